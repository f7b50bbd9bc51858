//! The file that `--output` names, which is replaced as a whole when the work is done.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use same_file::Handle;
use tempfile::TempPath;

use super::escape::escape_path;
use super::failure::Failure;
use super::interrupt;

/// Bytes that are collected before they are written.
const BUFFER: usize = 1 << 16;

/// An output file.
///
/// An existing file of that name is unchanged until [`finish`](OutputFile::finish), and for ever if
/// the command fails or is ended by a signal before.
pub(super) struct OutputFile {
    file: BufWriter<File>,
    /// `None` if bytes go to their destination at once: a device or a pipe cannot be replaced.
    replacement: Option<Replacement>,
}

/// The path that a temporary file will have.
struct Replacement {
    path: PathBuf,
    /// The path that it has until then; `None` if it has none.
    temporary: Option<TempPath>,
}

impl OutputFile {
    /// Opens an output. `input` is the file that the command reads, if it is one that writing damages.
    pub(super) fn create(path: &Path, input: Option<&Handle>) -> Result<Self, Failure> {
        let named = |error: io::Error| Failure::refused(format_args!("{}: {error}", escape_path(path)));
        // `metadata` follows links, those to open files in /proc and /dev/fd too.
        let existing = match fs::metadata(path) {
            Ok(existing) => Some(existing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(named(error)),
        };
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(Failure::refused(format_args!("{}: is a directory", escape_path(path))));
        }
        // Opening a pipe would wait for its other end, so only files are compared.
        if let (Some(input), Some(existing)) = (input, &existing)
            && is_damaged_by_writing(existing)
            && Handle::from_path(path).map_err(named)? == *input
        {
            return Err(is_the_input(&escape_path(path)));
        }
        if let Some(existing) = &existing
            && (!existing.is_file() || is_open_file(path))
        {
            // Bytes are added to an open file, as `3>>file` of a shell asks for. A device has no end.
            let file = OpenOptions::new().write(true).append(existing.is_file()).open(path).map_err(named)?;
            return Ok(Self { file: BufWriter::with_capacity(BUFFER, file), replacement: None });
        }
        // A link stays a link: its destination is replaced.
        let path = destination(path).map_err(named)?;
        let (file, temporary) = temporary(&path).map_err(named)?;
        if let Some(existing) = existing {
            file.set_permissions(existing.permissions()).map_err(named)?;
        }
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { file, replacement: Some(Replacement { path, temporary }) })
    }

    /// Writes the bytes in the buffer, and gives the file its name.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush()?;
        let Some(Replacement { path, temporary }) = self.replacement.take() else { return Ok(()) };
        // A signal waits until the file has one name.
        let mut registered = interrupt::lock();
        let renamed = match temporary {
            Some(temporary) => temporary.persist(&path).map_err(|error| error.error),
            None => name(self.file.get_ref(), &path),
        };
        *registered = None;
        renamed.map_err(|error| Failure::refused(format_args!("{}: {error}", escape_path(&path))))
    }
}

impl Drop for OutputFile {
    /// Removes the temporary file of work that failed.
    fn drop(&mut self) {
        if let Some(Replacement { temporary: Some(temporary), .. }) = self.replacement.take() {
            let mut registered = interrupt::lock();
            // Nothing can be done if this fails: the command has already failed.
            let _ = temporary.close();
            *registered = None;
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Returns the error for an output that is the input too.
pub(super) fn is_the_input(output: &str) -> Failure {
    Failure::refused(format_args!(
        "{output} is the input: writing would destroy it\nhelp: name another file with --output"
    ))
}

/// Returns `true` if a file has contents that writing to it destroys. A terminal or a pipe has none.
pub(super) fn is_damaged_by_writing(file: &fs::Metadata) -> bool {
    #[cfg(unix)]
    let is_block_device = std::os::unix::fs::FileTypeExt::is_block_device(&file.file_type());
    #[cfg(not(unix))]
    let is_block_device = false;
    file.is_file() || is_block_device
}

/// Returns `true` if a path names a file that the process has open: `/dev/fd/3`. The program that opened
/// it reads or writes it after us, so it is written to and not replaced.
fn is_open_file(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"].iter().any(|open| path.starts_with(open))
}

/// Links that are followed to a file that does not exist, as in Linux.
const LINKS: usize = 40;

/// Returns the path that links lead to. There need not be a file of that path.
fn destination(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(link) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().map_or_else(|| link.clone(), |folder| folder.join(&link));
    }
    Err(io::Error::other("too many links"))
}

/// Returns the folder of a file.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a temporary file in the folder of `path`, without a name if the system can do that.
fn temporary(path: &Path) -> io::Result<(File, Option<TempPath>)> {
    #[cfg(target_os = "linux")]
    if let Some(file) = unnamed_temporary(folder(path)) {
        return Ok((file, None));
    }
    let (file, temporary) = named_temporary(path)?;
    Ok((file, Some(temporary)))
}

/// Creates a temporary file with a name, which a signal removes.
fn named_temporary(path: &Path) -> io::Result<(File, TempPath)> {
    // A signal waits until the name is registered.
    let mut registered = interrupt::lock();
    // Created as any new file is, with the permissions that the umask of the user leaves.
    let create = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(path);
    let file = tempfile::Builder::new().prefix(&prefix(path)).suffix(".part").make_in(folder(path), create)?;
    let (file, temporary) = file.into_parts();
    *registered = Some(temporary.to_path_buf());
    Ok((file, temporary))
}

/// Returns the start of the name of a temporary file: `.out.csv`.
fn prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.extend(path.file_name());
    prefix
}

/// Creates a file without a name, which vanishes with the process. `None` if the file system cannot do
/// that, or if there is no `/proc`, through which the file gets its name.
#[cfg(target_os = "linux")]
fn unnamed_temporary(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    open(folder, flags, Mode::from_raw_mode(0o666)).ok().map(File::from)
}

/// Gives a name to a file without one, and replaces the file that has that name.
#[cfg(target_os = "linux")]
fn name(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, linkat};
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |path: &Path| linkat(CWD, &open, CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
    match link(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => return linked,
    }
    // A link replaces no file, so the file gets another name, under which it is moved.
    let linked = tempfile::Builder::new().prefix(&prefix(path)).suffix(".part").make_in(folder(path), link)?;
    linked.into_temp_path().persist(path).map_err(|error| error.error)
}

/// Always fails: files without a name, to which this would give one, are created on Linux only.
#[cfg(not(target_os = "linux"))]
fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails should stop")]

    use super::*;

    /// The files of other systems than Linux, tested on all systems.
    #[test]
    fn a_named_temporary_file_is_renamed_or_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let names = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        for (contents, complete) in [("new", true), ("", false), ("replaced", true)] {
            let before = fs::read_to_string(&path).ok();
            let (file, temporary) = named_temporary(&path).unwrap();
            assert_eq!(interrupt::lock().as_deref(), Some(&*temporary));
            let replacement = Replacement { path: path.clone(), temporary: Some(temporary) };
            let mut out = OutputFile { file: BufWriter::new(file), replacement: Some(replacement) };
            out.write_all(contents.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).ok(), before);
            if complete {
                assert!(out.finish().is_ok());
                assert_eq!(fs::read_to_string(&path).unwrap(), contents);
            } else {
                drop(out);
                assert_eq!(fs::read_to_string(&path).ok(), before);
            }
            assert_eq!(names(), ["out"]);
            assert_eq!(*interrupt::lock(), None);
        }
    }
}
