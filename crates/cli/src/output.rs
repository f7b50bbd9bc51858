//! `OutputFile`: the output file of `--output`. The command writes a temporary file, which replaces the output file at
//! the end. Also checks that the output is not the input.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use same_file::Handle;
use tempfile::TempPath;

use super::escape::escape_path;
use super::failure::Failure;
use super::interrupt;

/// The size in bytes of the buffer in front of the file.
const BUFFER: usize = 1 << 16;

/// The file that `--output` names.
///
/// An existing file is unchanged until [`finish`](OutputFile::finish) replaces it. If the command fails or a signal
/// ends it before `finish`, the existing file stays unchanged. A device, a pipe or an open file such as `/dev/fd/3` is
/// not replaced, but written directly.
pub(super) struct OutputFile {
    file: BufWriter<File>,
    /// The paths that [`finish`](OutputFile::finish) uses to replace the output file. `None` if `file` is the output
    /// itself: a device, a pipe or an open file, which cannot be replaced.
    replacement: Option<Replacement>,
}

/// The paths of a temporary file that replaces the output file.
struct Replacement {
    /// The path of the output file.
    path: PathBuf,
    /// The path of the temporary file, or `None` if the temporary file has no name.
    temporary: Option<TempPath>,
}

impl OutputFile {
    /// Opens the output `path`. `input` identifies the file that the command reads. `input` is `None` if writing cannot
    /// damage this file.
    ///
    /// # Errors
    /// - `path` is the input; nothing is written
    /// - `path` is a directory
    /// - the system cannot create or open the file
    pub(super) fn create(path: &Path, input: Option<&Handle>) -> Result<Self, Failure> {
        let named = |error: io::Error| Failure::refused(format_args!("{}: {error}", escape_path(path)));
        // `metadata` follows links, including links to open files in /proc and /dev/fd.
        let existing = match fs::metadata(path) {
            Ok(existing) => Some(existing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(named(error)),
        };
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(Failure::refused(format_args!("{}: is a directory", escape_path(path))));
        }
        // A pipe is not compared with the input, because `Handle::from_path` opens the file, and opening a pipe would
        // block.
        if let (Some(input), Some(existing)) = (input, &existing)
            && is_damaged_by_writing(existing)
            && Handle::from_path(path).map_err(named)? == *input
        {
            return Err(is_the_input(&escape_path(path), "name another file with --output"));
        }
        if let Some(existing) = &existing
            && (!existing.is_file() || is_open_file(path))
        {
            // With `3>>file` in a shell, the user expects that output is appended to the open file. A device has no
            // end, so nothing can be appended to a device.
            let file = OpenOptions::new().write(true).append(existing.is_file()).open(path).map_err(named)?;
            return Ok(Self { file: BufWriter::with_capacity(BUFFER, file), replacement: None });
        }
        // If `path` is a symbolic link, the target of the link is replaced, and the link stays.
        let path = resolve_links(path).map_err(named)?;
        let (file, temporary) = temporary(&path).map_err(named)?;
        if let Some(existing) = existing {
            file.set_permissions(existing.permissions()).map_err(named)?;
        }
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(Self { file, replacement: Some(Replacement { path, temporary }) })
    }

    /// Writes the buffered bytes, and replaces the output file by the temporary file if there is one. Returns an error
    /// if writing or replacing fails.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush()?;
        let Some(Replacement { path, temporary }) = self.replacement.take() else { return Ok(()) };
        // While the lock is held, a signal does not end the process. Without the lock, a signal could leave the
        // temporary file behind.
        let mut registered = interrupt::lock_temporary_path();
        let renamed = match temporary {
            Some(temporary) => temporary.persist(&path).map_err(|error| error.error),
            None => link_unnamed(self.file.get_ref(), &path),
        };
        *registered = None;
        renamed.map_err(|error| Failure::refused(format_args!("{}: {error}", escape_path(&path))))
    }
}

impl Drop for OutputFile {
    /// Removes the temporary file if [`finish`](OutputFile::finish) was not called.
    fn drop(&mut self) {
        if let Some(Replacement { temporary: Some(temporary), .. }) = self.replacement.take() {
            let mut registered = interrupt::lock_temporary_path();
            // A failure is ignored, because the command has already failed with another error.
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

/// Returns the error for an output that is also the input. `output` is the escaped name of the output. `help` is the
/// help line.
fn is_the_input(output: &str, help: &str) -> Failure {
    Failure::refused(format_args!("{output} is the input: writing would destroy it\nhelp: {help}"))
}

/// Returns `true` if `output`, the value of `--output`, names standard output. The command does not open standard
/// output by its name: a socket cannot be opened, and a file would be replaced.
pub(super) fn is_stdout(output: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1"].iter().any(|name| output.as_os_str() == *name)
}

/// Returns an error if standard output is the input file `input`, as in `decode … f >>f`. The command would then read
/// each row that it has written, and would never end.
pub(super) fn refuse_stdout_of(input: &Handle) -> Result<(), Failure> {
    match Handle::stdout() {
        Ok(stdout)
            if stdout == *input && stdout.as_file().metadata().is_ok_and(|file| is_damaged_by_writing(&file)) =>
        {
            Err(is_the_input("standard output", "redirect standard output to another file"))
        }
        // If the identity of standard output is unknown, continue. A later write reports the error.
        _ => Ok(()),
    }
}

/// Returns `true` if `file` is a regular file or a block device, because writing destroys the data in it. Returns
/// `false` for terminals and pipes, which store no data.
pub(super) fn is_damaged_by_writing(file: &fs::Metadata) -> bool {
    #[cfg(unix)]
    let is_block_device = std::os::unix::fs::FileTypeExt::is_block_device(&file.file_type());
    #[cfg(not(unix))]
    let is_block_device = false;
    file.is_file() || is_block_device
}

/// Returns `true` if `path` names an open file of this process, such as `/dev/fd/3`. The output must not replace this
/// file: the program that opened the file, such as the shell, continues to use it.
fn is_open_file(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"].iter().any(|open| path.starts_with(open))
}

/// The largest number of symbolic links that [`resolve_links`] follows. Linux has the same limit.
const MAX_LINKS: usize = 40;

/// Follows the symbolic links at `path`, and returns the path of their target. Unlike [`fs::canonicalize`], accepts a
/// path whose file does not exist. Returns an error after [`MAX_LINKS`] links, or if a directory cannot be read.
fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(link) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().map_or_else(|| link.clone(), |folder| folder.join(&link));
    }
    Err(io::Error::other("too many links"))
}

/// Returns the directory that contains `path`.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a temporary file in the directory of `path`. Returns (file, path). The path is `None` if the file has no
/// name; Linux supports files without a name on most file systems.
fn temporary(path: &Path) -> io::Result<(File, Option<TempPath>)> {
    #[cfg(target_os = "linux")]
    if let Some(file) = unnamed_temporary(folder(path)) {
        return Ok((file, None));
    }
    let (file, temporary) = named_temporary(path)?;
    Ok((file, Some(temporary)))
}

/// Creates a temporary file with a name in the directory of `path`. A signal handler removes this file. Returns an
/// error if the file cannot be created.
fn named_temporary(path: &Path) -> io::Result<(File, TempPath)> {
    // While the lock is held, a signal does not end the process. The file is registered before the lock
    // is released.
    let mut registered = interrupt::lock_temporary_path();
    // `tempfile` would create a file that only the owner can read. An output needs the default permissions.
    let create = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).open(path);
    let file = tempfile::Builder::new().prefix(&prefix(path)).suffix(".part").make_in(folder(path), create)?;
    let (file, temporary) = file.into_parts();
    *registered = Some(temporary.to_path_buf());
    Ok((file, temporary))
}

/// Returns the start of the name of the temporary file for `path`, such as `.out.csv`.
fn prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.extend(path.file_name());
    prefix
}

/// Creates a file without a name in `folder`. The kernel deletes this file when the process ends.
///
/// Returns `None` if the file system does not support such files, or if `/proc` is not mounted.
/// [`link_unnamed`] needs `/proc`.
#[cfg(target_os = "linux")]
fn unnamed_temporary(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    open(folder, flags, Mode::from_raw_mode(0o666)).ok().map(File::from)
}

/// Gives the name `path` to `file`, a file without a name. Replaces an existing file of this name. Returns an error if
/// the file system refuses the name.
#[cfg(target_os = "linux")]
fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, linkat};
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |path: &Path| linkat(CWD, &open, CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from);
    match link(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => return linked,
    }
    // `linkat` cannot replace the existing file at `path`. `file` is therefore linked under a temporary name, which is
    // then renamed to `path`.
    let linked = tempfile::Builder::new().prefix(&prefix(path)).suffix(".part").make_in(folder(path), link)?;
    linked.into_temp_path().persist(path).map_err(|error| error.error)
}

/// Always returns an error. Unnamed files are created only on Linux, so this function is never called.
#[cfg(not(target_os = "linux"))]
fn link_unnamed(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails should stop")]

    use super::*;

    /// On Linux, the command normally uses unnamed files. This test runs the code for named files of other systems on
    /// every system.
    #[test]
    fn a_named_temporary_file_is_renamed_or_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let names = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        for (contents, complete) in [("new", true), ("", false), ("replaced", true)] {
            let before = fs::read_to_string(&path).ok();
            let (file, temporary) = named_temporary(&path).unwrap();
            assert_eq!(interrupt::lock_temporary_path().as_deref(), Some(&*temporary));
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
            assert_eq!(*interrupt::lock_temporary_path(), None);
        }
    }
}
