//! Where a report goes: standard output, or a file that is written whole or not at all.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use keysieve::file::Replacement;

/// Gives `print` something to write to.
pub fn with(output: Option<&Path>, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let Some(path) = output else {
        let mut to = BufWriter::new(anstream::stdout().lock());
        print(&mut to)?;
        return Ok(to.flush()?);
    };
    let failed =
        || format!("cannot write the report to `{}`; does its folder exist, and may you write there?", path.display());
    // A device or a pipe (`/dev/null`, `/dev/stderr`) is written to; renaming a file over it would replace it.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        let file = std::fs::OpenOptions::new().write(true).open(path).with_context(failed)?;
        let mut to = BufWriter::new(anstream::StripStream::new(file));
        return print(&mut to).and_then(|()| to.flush()).with_context(failed);
    }
    // Links are followed, so that what they point to is replaced and not the link.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut file = Replacement::of(&path).with_context(failed)?;
    {
        let mut to = BufWriter::new(anstream::StripStream::new(&mut file as &mut dyn Write));
        print(&mut to).and_then(|()| to.flush()).with_context(failed)?;
    }
    file.finish().map_err(|error| io::Error::from(error.kind())).with_context(failed)
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
