//! Where a report goes: standard output, or a file that is written whole or not at all.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use keysieve::file::write::{Access, Writer};

/// Gives `print` something to write to: the file `output`, or else standard output.
pub fn with(
    output: Option<&Path>,
    access: Access,
    print: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    match output {
        Some(path) => write(path, access, print),
        None => to_stdout(print),
    }
}

/// Gives `print` standard output.
pub fn to_stdout(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut to = BufWriter::new(anstream::stdout().lock());
    print(&mut to)?;
    Ok(to.flush()?)
}

/// Gives `print` a file that takes the place of the one at `path`.
fn write(path: &Path, access: Access, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let failed =
        || format!("cannot write the report to `{}`; does its folder exist, and may you write there?", path.display());
    let mut file = Writer::open(path, access).with_context(failed)?;
    {
        let mut to = BufWriter::new(anstream::StripStream::new(&mut file as &mut dyn Write));
        print(&mut to).and_then(|()| to.flush()).with_context(failed)?;
    }
    file.finish().with_context(failed)
}

/// Columns of the terminal that standard output is, if it is one.
pub fn terminal_width() -> Option<usize> {
    io::stdout().is_terminal().then(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).flatten()
}

/// Whether standard output is a terminal that shows links, and colours are wanted.
pub fn shows_links() -> bool {
    let is_plain = anstream::stdout().current_choice() == anstream::ColorChoice::Never;
    io::stdout().is_terminal() && !is_plain && supports_hyperlinks::supports_hyperlinks()
}
