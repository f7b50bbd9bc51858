//! Where values go: standard output, or a file that is there as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Failure;
use super::decode::refused;
use pep3118::__private::escape;

/// Bytes that are written at once.
const BUFFER: usize = 1 << 16;

/// A file under its name only when all is written. Until then it is a temporary file in the same
/// folder, removed if the work ends with an error.
pub(super) enum Output {
    Replacing(BufWriter<NamedTempFile>, PathBuf),
    /// Devices and pipes are written to, and what has a name among them; they cannot be replaced.
    Direct(BufWriter<File>),
}

impl Output {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let named =
            |error: io::Error| refused(format_args!("{}: {error}", escape(path.as_os_str().as_encoded_bytes())));
        // A link stays a link: what it leads to is replaced.
        let real = fs::canonicalize(path);
        let there = real.as_ref().ok().map(fs::metadata).transpose().map_err(named)?;
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(refused(format_args!("{}: is a directory", escape(path.as_os_str().as_encoded_bytes()))));
        }
        let device = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
        if device || there.as_ref().is_some_and(|about| !about.is_file()) {
            let file = OpenOptions::new().write(true).open(path).map_err(named)?;
            return Ok(Self::Direct(BufWriter::with_capacity(BUFFER, file)));
        }
        let path = real.unwrap_or_else(|_| path.to_path_buf());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        // Made as any new file is, with the permissions that the user's mask leaves.
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            .make_in(folder, |path| OpenOptions::new().read(true).write(true).create_new(true).open(path))
            .map_err(named)?;
        if let Some(about) = there {
            file.as_file().set_permissions(about.permissions()).map_err(named)?;
        }
        Ok(Self::Replacing(BufWriter::with_capacity(BUFFER, file), path))
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Direct(mut file) => Ok(file.flush()?),
            Self::Replacing(file, path) => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                let named = |error: tempfile::PersistError| {
                    refused(format_args!("{}: {}", escape(path.as_os_str().as_encoded_bytes()), error.error))
                };
                file.persist(&path).map_err(named)?;
                Ok(())
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Replacing(file, _) => file.write(bytes),
            Self::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Replacing(file, _) => file.flush(),
            Self::Direct(file) => file.flush(),
        }
    }
}
