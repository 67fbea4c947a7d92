//! Repositories that were made to run something, to reach something outside, or to be written into.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LEAK: &str = "password = \"Tr4vel-Lantern-91\"\n";

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with two commits and something staged, whose configuration runs `touch CANARY` wherever git would.
fn trapped() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repository");
    fs::create_dir(&root).unwrap();
    git(&root, &["init", "-q", "-b", "main"]);
    fs::write(root.join("a.py"), "x = 1\n").unwrap();
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "one"]);
    fs::write(root.join("b.py"), LEAK).unwrap();
    fs::write(root.join(".gitattributes"), "* filter=trap diff=trap merge=trap text eol=crlf\n").unwrap();
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "two"]);
    fs::write(root.join("c.py"), LEAK.replace("91", "92")).unwrap();
    git(&root, &["add", "-A"]);
    let canary = folder.path().join("canary");
    let trap = format!("touch {}", canary.display());
    let hooks = root.join("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["pre-commit", "pre-push", "post-index-change", "fsmonitor-watchman", "reference-transaction"] {
        fs::write(hooks.join(hook), format!("#!/bin/sh\n{trap}\n")).unwrap();
        fs::set_permissions(hooks.join(hook), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let included = folder.path().join("included");
    fs::write(&included, format!("[core]\n\tpager = {trap}\n[alias]\n\tstatus = !{trap}\n")).unwrap();
    let config = format!(
        "[core]\n\tfsmonitor = {trap}\n\thooksPath = hooks\n\tsshCommand = {trap}\n\teditor = {trap}\n\tpager = {trap}\n\
         \taskPass = {trap}\n\tgitProxy = {trap}\n[filter \"trap\"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\
         \trequired = true\n[diff]\n\texternal = {trap}\n[diff \"trap\"]\n\ttextconv = {trap}\n\tcommand = {trap}\n\
         [merge \"trap\"]\n\tdriver = {trap}\n[credential]\n\thelper = !{trap}\n[gpg]\n\tprogram = {trap}\n\
         [remote \"origin\"]\n\turl = ext::sh -c \"{trap}\"\n\tpromisor = true\n\tuploadpack = {trap}\n\
         [extensions]\n\tpartialClone = origin\n[include]\n\tpath = {}\n[submodule \"s\"]\n\turl = ext::sh -c \"{trap}\"\n\
         \tupdate = !{trap}\n",
        included.display()
    );
    let path = root.join(".git/config");
    let own = fs::read_to_string(&path).unwrap();
    fs::write(path, own + &config).unwrap();
    (folder, root)
}

/// Every file below `folder`, with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => drop(all.insert(path.clone(), fs::read(&path).unwrap_or_default())),
            }
        }
    }
    all
}

#[test]
fn nothing_of_a_repository_runs_and_nothing_in_it_changes() {
    let (folder, root) = trapped();
    let before = contents(folder.path());
    for (arguments, found) in [
        (&["scan"][..], 1),
        (&["scan", "--posture"], 1),
        (&["staged"], 1),
        (&["range", "HEAD~1..HEAD"], 1),
        (&["history"], 1),
        (&["hook", "run", "pre-commit"], 1),
        (&["advise"], 0),
        (&["posture"], 0),
        (&["config", "show"], 0),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).args(arguments).current_dir(&root).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(found), "{arguments:?}: {said}");
        assert!(!folder.path().join("canary").exists(), "{arguments:?} ran something");
    }
    assert_eq!(contents(folder.path()), before, "something was written");
}

#[test]
fn links_lead_nowhere_and_archives_do_not_reach_out() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside.py");
    fs::write(&outside, LEAK).unwrap();
    let root = folder.path().join("tree");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("link.py")).unwrap();
    std::os::unix::fs::symlink(folder.path(), root.join("folder")).unwrap();
    fs::write(root.join("a.py"), "x = 1\n").unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        archive.append_link(&mut header, "inner.py", &outside).unwrap();
    }
    let mut header = tar::Header::new_ustar();
    header.set_size(4);
    header.as_ustar_mut().unwrap().name[..12].copy_from_slice(b"../escape.py");
    header.set_cksum();
    archive.append(&header, &b"x=1\n"[..]).unwrap();
    fs::write(root.join("a.tar"), archive.into_inner().unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keysieve")).arg("scan").current_dir(&root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("No credentials found"), "{said}");
    assert!(!folder.path().join("escape.py").exists());
}

#[test]
fn bombs_end_with_a_message_in_half_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..300 {
        std::io::Write::write_all(&mut bomb, &[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for number in 0..4 {
        fs::write(folder.path().join(format!("{number}.gz")), &bomb).unwrap();
    }
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keysieve"), "scan", "-j", "2"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Not complete: 4 paths"), "{said}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (_folder, root) = trapped();
    for number in 0..200 {
        fs::write(root.join(format!("{number}.py")), LEAK.replace("91", &number.to_string())).unwrap();
    }
    for command in [&["scan"][..], &["staged"], &["range", "HEAD~1..HEAD"], &["history"], &["posture"]] {
        let mut seen: Option<Vec<u8>> = None;
        // scripts/check-faults does it fifty times.
        for threads in ["1", "2", "16", "2", "16"] {
            let mut arguments = [command, &["--format", "json", "--all"]].concat();
            if command[0] != "posture" {
                arguments.extend(["-j", threads]);
            }
            let output =
                Command::new(env!("CARGO_BIN_EXE_keysieve")).args(&arguments).current_dir(&root).output().unwrap();
            let first = seen.get_or_insert_with(|| output.stdout.clone());
            assert!(*first == output.stdout, "{arguments:?} printed something else");
        }
    }
}

/// Runs a command that must end by itself, in half a gigabyte of memory.
fn bounded(folder: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let mut said = tempfile::tempfile().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_keysieve")])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said.try_clone().unwrap())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        // Far beyond what it takes: only a hang gets here.
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("{arguments:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut text = Vec::new();
    said.seek(SeekFrom::Start(0)).and_then(|_| said.read_to_end(&mut text)).unwrap();
    (String::from_utf8_lossy(&text).into_owned(), child.wait().unwrap().code())
}

fn seven_zip(header: &[u8]) -> Vec<u8> {
    let start = [&0u64.to_le_bytes()[..], &(header.len() as u64).to_le_bytes(), &crc32fast::hash(header).to_le_bytes()]
        .concat();
    [b"7z\xbc\xaf\x27\x1c\0\x04".as_slice(), &crc32fast::hash(&start).to_le_bytes(), &start, header].concat()
}

#[test]
fn headers_that_ask_for_the_world_do_not_get_it() {
    let number = |count: u64| [&[0xff][..], &count.to_le_bytes()].concat();
    let ar = |name: &str, size: &str| format!("!<arch>\n{name:<16}{0:<12}{0:<6}{0:<6}{1:<8}{size:<10}`\n", 0, 644);
    let cpio = |size: &str, name: &str| {
        format!("070701{}{size}{}{name}00000000a\0\0\0", "0000000081A400000000", "0".repeat(32))
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("files.7z", seven_zip(&[vec![1, 5], number(1 << 42)].concat())),
        ("more.7z", seven_zip(&[vec![1, 5], number(1 << 31)].concat())),
        ("blocks.7z", seven_zip(&[vec![1, 4, 7, 11], number(1 << 40), vec![0]].concat())),
        ("streams.7z", seven_zip(&[vec![1, 4, 6, 0], number(1 << 40), vec![9]].concat())),
        ("header.7z", {
            let start = [&0u64.to_le_bytes()[..], &(1u64 << 46).to_le_bytes(), &[0; 4]].concat();
            [b"7z\xbc\xaf\x27\x1c\0\x04".as_slice(), &crc32fast::hash(&start).to_le_bytes(), &start].concat()
        }),
        ("names.a", ar("//", "9999999999").into_bytes()),
        ("entry.a", ar("x", "9999999999").into_bytes()),
        ("bsd.a", (ar("#1/4000000000", "4") + "aaaa").into_bytes()),
        ("size.cpio", cpio("FFFFFFFF", "00000002").into_bytes()),
        ("name.cpio", cpio("00000002", "FFFFFFFF").into_bytes()),
        // A dictionary of 4 GiB less a byte.
        (
            "dictionary.xz",
            b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\0\x21\x01\x28\0\0\0\xb9\x1b\xd5\x2e\x01\0\x03text\0".to_vec(),
        ),
        // A window of 2 TiB, and a content of 2^63 bytes.
        ("window.zst", b"\x28\xb5\x2f\xfd\x00\xf8\x01\0\0".to_vec()),
        ("content.zst", b"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x01\0\0".to_vec()),
        // A block of 160 bytes that would be gigabytes; found by fuzzing.
        ("block.zst", include_bytes!("../fuzz/seeds/container/block-that-grows.zst").to_vec()),
        ("entries.zip", {
            let mut end = b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0".to_vec();
            end.extend([[0xff; 4], [0xff, 0xff, 0xff, 0x0f]].concat().repeat(2));
            end.extend([0; 16]);
            end.extend(b"PK\x06\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0");
            end.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
            [b"PK\x03\x04".to_vec(), end].concat()
        }),
    ];
    for (name, bytes) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        let (said, code) = bounded(folder.path(), &["scan"]);
        // What there is of an entry of an ar was read.
        let is_read = matches!(name, "names.a" | "entry.a");
        assert_eq!(code, Some(if is_read { 0 } else { 3 }), "{name}: {said}");
        assert!(is_read || said.contains(name) && said.contains("Not complete"), "{name}: {said}");
    }
}

#[test]
fn entries_that_overlap_do_not_multiply() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.start_file("a", zip::write::SimpleFileOptions::default()).unwrap();
    (0..8).for_each(|_| std::io::Write::write_all(&mut writer, &[0; 1 << 20]).unwrap());
    let zip = writer.finish().unwrap().into_inner();
    let at = zip.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    let end = zip.windows(4).position(|it| it == b"PK\x05\x06").unwrap();
    let record = &zip[at..end];
    // A thousand names for one content of 8 MiB.
    let mut bomb = zip[..at].to_vec();
    for number in 0..1000u32 {
        let mut record = record.to_vec();
        record[28..30].copy_from_slice(&4u16.to_le_bytes());
        record.splice(46..47, format!("{number:04}").into_bytes());
        bomb.extend(record);
    }
    let directory = (bomb.len() - at) as u32;
    let mut tail = zip[end..].to_vec();
    tail[8..10].copy_from_slice(&1000u16.to_le_bytes());
    tail[10..12].copy_from_slice(&1000u16.to_le_bytes());
    tail[12..16].copy_from_slice(&directory.to_le_bytes());
    bomb.extend(tail);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.zip"), bomb).unwrap();
    let (said, code) = bounded(folder.path(), &["scan"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("--max-archive-ratio"), "{said}");
}

/// Trees of 30 levels that name the next one twice: a billion paths in two kilobytes.
#[test]
fn folders_that_share_folders_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q", "-b", "main"]);
    fs::write(root.join("a.py"), LEAK).unwrap();
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", "one"]);
    let script = "tree=$(git rev-parse HEAD^{tree}); for i in $(seq 30); do \
                  tree=$(printf '040000 tree %s\\ta\\n040000 tree %s\\tb\\n' $tree $tree | git mktree); done; \
                  git -c user.name=A -c user.email=a@b commit-tree -p HEAD -m bomb $tree";
    let made = Command::new("sh").args(["-c", script]).current_dir(root).output().unwrap();
    let commit = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    git(root, &["update-ref", "refs/heads/bomb", &commit]);
    for arguments in [
        &["history", "--max-paths=10000"][..],
        &["range", "main..bomb", "--max-paths=10000"],
        &["history", "--max-paths=10000", "--branch=bomb"],
    ] {
        let (said, code) = bounded(root, arguments);
        assert_eq!(code, Some(3), "{arguments:?}: {said}");
        assert!(said.contains("--max-paths") && said.contains("a.py"), "{arguments:?}: {said}");
    }
}

#[test]
fn what_never_ends_is_not_waited_for() {
    let (_folder, root) = trapped();
    let fifo = |path: &str| {
        let path = root.join(path);
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    };
    fs::create_dir(root.join("d")).unwrap();
    fs::write(root.join("d/x.py"), LEAK).unwrap();
    fs::write(root.join("d/.gitignore"), "*\n").unwrap();
    // What a folder ignores cannot be told, so all of it is read.
    for kind in ["fifo", "device"] {
        let patterns = root.join("d/.gitignore");
        match kind {
            "fifo" => fifo("d/.gitignore"),
            _ => {
                fs::remove_file(&patterns).unwrap();
                std::os::unix::fs::symlink("/dev/zero", &patterns).unwrap();
            }
        }
        let (said, _) = bounded(&root, &["scan"]);
        assert!(said.contains("d/x.py:1"), "{kind}: {said}");
        assert!(bounded(&root, &["posture"]).1.is_some());
    }
    fs::remove_dir_all(root.join("d")).unwrap();
    for name in [".keysieve.toml", ".keysieve-baseline.json"] {
        fifo(name);
        let (said, code) = bounded(&root, &["scan"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("no regular file"), "{said}");
        fs::remove_file(root.join(name)).unwrap();
    }
    for name in
        [".git/index", ".git/packed-refs", ".git/refs/heads/other", ".git/MERGE_HEAD", ".git/shallow", ".gitignore"]
    {
        fifo(name);
        for command in ["scan", "staged", "history", "posture"] {
            let (said, code) = bounded(&root, &[command]);
            assert!(code.is_some(), "{name} {command}: {said}");
        }
        fs::remove_file(root.join(name)).unwrap();
    }
}

#[test]
fn nothing_outside_of_the_repository_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (other, root) = (folder.path().join("other"), folder.path().join("root"));
    for path in [&other, &root] {
        fs::create_dir(path).unwrap();
        git(path, &["init", "-q", "-b", "main"]);
        fs::write(path.join("a.py"), "x = 1\n").unwrap();
        git(path, &["add", "-A"]);
        git(path, &["commit", "-q", "-m", "one"]);
    }
    fs::write(other.join("secret.py"), LEAK).unwrap();
    git(&other, &["add", "-A"]);
    git(&other, &["commit", "-q", "-m", "two"]);
    let id = |what: &str| {
        let output = Command::new("git").args(["rev-parse", what]).current_dir(&other).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let commit = id("HEAD");
    let run = |arguments: &[&str]| bounded(&root, arguments);
    let is_blind = |what: &str, arguments: &[&str]| {
        let (said, code) = run(arguments);
        assert!(!said.contains("secret.py"), "{what} {arguments:?}: {said}");
        assert!(matches!(code, Some(2 | 3)), "{what} {arguments:?} says nothing: {said}");
    };
    let objects = root.join(".git/objects");
    // Alternates, with a ref that needs them.
    fs::write(objects.join("info/alternates"), other.join(".git/objects").to_str().unwrap()).unwrap();
    fs::write(root.join(".git/refs/heads/main"), format!("{commit}\n")).unwrap();
    for arguments in [&["history"][..], &["range", "HEAD~1..HEAD"], &["staged"]] {
        is_blind("alternates", arguments);
    }
    let (said, code) = run(&["history", "--trust-links"]);
    assert!(code == Some(1) && said.contains("secret.py"), "{said}");
    fs::remove_file(objects.join("info/alternates")).unwrap();
    // Links in place of objects, packs, folders of objects.
    let loose = format!("{}/{}", &commit[..2], &commit[2..]);
    fs::create_dir_all(objects.join(&commit[..2])).unwrap();
    std::os::unix::fs::symlink(other.join(".git/objects").join(&loose), objects.join(&loose)).unwrap();
    for arguments in [&["history"][..], &["range", "HEAD~1..HEAD"], &["staged"]] {
        is_blind("a linked object", arguments);
    }
    fs::remove_file(objects.join(&loose)).unwrap();
    fs::rename(&objects, folder.path().join("kept")).unwrap();
    std::os::unix::fs::symlink(other.join(".git/objects"), &objects).unwrap();
    for arguments in [&["history"][..], &["range", "HEAD~1..HEAD"], &["staged"]] {
        is_blind("a linked folder of objects", arguments);
    }
    fs::remove_file(&objects).unwrap();
    fs::rename(folder.path().join("kept"), &objects).unwrap();
    // A `.git` that is another repository's, by a link or by its text, and a shared folder that is.
    fs::rename(root.join(".git"), folder.path().join("kept")).unwrap();
    std::os::unix::fs::symlink(other.join(".git"), root.join(".git")).unwrap();
    for arguments in [&["history"][..], &["range", "HEAD~1..HEAD"], &["staged"], &["scan"]] {
        is_blind("a linked .git", arguments);
    }
    fs::remove_file(root.join(".git")).unwrap();
    fs::write(root.join(".git"), format!("gitdir: {}\n", other.join(".git").display())).unwrap();
    for arguments in [&["history"][..], &["range", "HEAD~1..HEAD"], &["staged"], &["scan"]] {
        is_blind("a .git that names another", arguments);
    }
    fs::remove_file(root.join(".git")).unwrap();
    fs::rename(folder.path().join("kept"), root.join(".git")).unwrap();
    fs::write(root.join(".git/commondir"), other.join(".git").to_str().unwrap()).unwrap();
    for arguments in [&["history"][..], &["staged"]] {
        is_blind("a commondir that names another", arguments);
    }
    fs::remove_file(root.join(".git/commondir")).unwrap();
    // Configuration and baseline that are links, and a configuration that extends what lies outside.
    let private = folder.path().join("private");
    fs::write(&private, "my-private-line = [\n").unwrap();
    for name in [".keysieve.toml", ".keysieve-baseline.json"] {
        std::os::unix::fs::symlink(&private, root.join(name)).unwrap();
        let (said, code) = run(&["scan"]);
        assert!(code == Some(2) && !said.contains("my-private-line"), "{said}");
        fs::remove_file(root.join(name)).unwrap();
    }
    fs::write(root.join(".keysieve.toml"), "[extend]\npath = \"../private\"\n").unwrap();
    let (said, code) = run(&["scan"]);
    assert!(code == Some(2) && said.contains("outside of the repository"), "{said}");
    assert!(!said.contains("my-private-line"), "{said}");
}

/// An index can name what no work tree can hold.
#[test]
fn an_index_names_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("inside")).unwrap();
    git(&root, &["init", "-q", "-b", "main"]);
    fs::write(root.join("xx"), "x = 1\n").unwrap();
    fs::write(root.join("inside/y.py"), "x = 1\n").unwrap();
    fs::write(root.join(".gitignore"), "inside/\n").unwrap();
    git(&root, &["add", "-f", "xx", "inside/y.py", ".gitignore"]);
    fs::create_dir(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/y.py"), LEAK).unwrap();
    fs::write(folder.path().join("zz"), LEAK).unwrap();
    // A link where a tracked folder was, and `../zz` in place of `xx`, with the checksum left out as git may.
    fs::remove_dir_all(root.join("inside")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("target"), root.join("inside")).unwrap();
    let index = fs::read(root.join(".git/index")).unwrap();
    let at = index.windows(3).position(|it| it == b"xx\0").unwrap();
    let mut changed = [&index[..at - 2], &5u16.to_be_bytes(), b"../zz\0\0\0\0\0"].concat();
    let entry = at - 62;
    changed.resize(entry + 72, 0);
    changed.extend([0; 20]);
    fs::write(root.join(".git/index"), changed).unwrap();
    let (said, _) = bounded(&root, &["scan"]);
    assert!(!said.contains("Tr4vel") && !said.contains("zz") && !said.contains("y.py"), "{said}");
}
