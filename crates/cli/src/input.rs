//! The input of `decode`: a file, which can be read in any order, or a stream, which is read once.
//!
//! No file is mapped into memory. A map would be a slice that Rust takes for constant, while another
//! process may write to the file; and a file that is truncated would end the process by a signal.
//! Blocks of contiguous items and of [`strided`](super::strided) items are copied, in bounded memory,
//! and a truncated file is an error with a message.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::Path;

use pep3118::__private::plural;
use same_file::Handle;

use super::escape::escape_path;
use super::failure::Failure;
use super::output::is_damaged_by_writing;

/// Bytes of a block: four times the capacity of a pipe.
const BLOCK: usize = 1 << 18;

/// Bytes of a stream that are kept in memory; more are kept in a temporary file without a name.
const SPOOLED: usize = 1 << 24;

/// Bytes of the largest item that is read from a stream. The size of a file limits its items, but a
/// stream may be endless, and the values of an item take up to 30 times the memory of its bytes.
const LARGEST_STREAM_ITEM: usize = 1 << 26;

/// An input before its first item was read.
pub(super) enum InputSource {
    /// A regular file and its length in bytes.
    File(File, u64),
    /// Standard input, a pipe or a device.
    Stream(Box<dyn Read>),
}

/// Bytes that can be read in any order.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl InputSource {
    /// Opens an input. Returns its identity too, if an output of that identity would destroy it.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Handle>), Failure> {
        if path.as_os_str() == "-" {
            // Standard input that is closed, or that Windows cannot compare, is not an output either.
            let stdin = Handle::stdin().ok();
            let stdin = stdin.filter(|stdin| stdin.as_file().metadata().is_ok_and(|file| is_damaged_by_writing(&file)));
            return Ok((Self::Stream(Box::new(io::stdin().lock())), stdin));
        }
        let named = |error: io::Error| Failure::refused(format_args!("{}: {error}", escape_path(path)));
        let file = File::open(path).map_err(named)?;
        let metadata = file.metadata().map_err(named)?;
        if metadata.is_dir() {
            return Err(Failure::refused(format_args!("{}: is a directory", escape_path(path))));
        }
        let identity = match is_damaged_by_writing(&metadata) {
            true => Some(Handle::from_file(file.try_clone().map_err(named)?).map_err(named)?),
            false => None,
        };
        // Files in /proc have contents and a length of 0.
        let regular = metadata.is_file() && metadata.len() > 0;
        Ok((if regular { Self::File(file, metadata.len()) } else { Self::Stream(Box::new(file)) }, identity))
    }

    /// Refuses an item of a stream that is too large for memory, before any of it is read.
    pub(super) fn limit_item(&self, itemsize: usize) -> Result<(), Failure> {
        match self {
            Self::Stream(_) if itemsize > LARGEST_STREAM_ITEM => Err(Failure::refused(format_args!(
                "an item has {} but at most {LARGEST_STREAM_ITEM} are read from a stream\nhelp: save the stream to a file",
                plural(to_u64(itemsize), "byte")
            ))),
            // A file is read in parts, and its length limits the item.
            _ => Ok(()),
        }
    }

    /// Skips bytes, and returns the rest and its length, if that is known.
    pub(super) fn after(self, skip: u64) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
        let too_short = |len: u64| {
            let (len, skip) = (plural(len, "byte"), plural(skip, "byte"));
            Err(Failure::refused(format_args!("the input has {len} but --skip is {skip}")))
        };
        match self {
            Self::File(_, len) if len < skip => too_short(len),
            Self::File(mut file, len) => {
                file.seek(SeekFrom::Start(skip))?;
                Ok((Box::new(file), Some(len.saturating_sub(skip))))
            }
            Self::Stream(mut stream) => {
                let skipped = io::copy(&mut stream.by_ref().take(skip), &mut io::sink())?;
                if skipped < skip { too_short(skipped) } else { Ok((stream, None)) }
            }
        }
    }

    /// Makes the bytes from `start` to `end` readable in any order. Of a stream, they are copied to
    /// memory or to a temporary file.
    pub(super) fn seekable(self, start: u64, end: u64) -> Result<Seekable, Failure> {
        match self {
            Self::File(file, len) => Ok(Seekable { bytes: Box::new(file), start, input_end: len }),
            stream @ Self::Stream(_) => {
                let (stream, _) = stream.after(start)?;
                let mut spooled = tempfile::spooled_tempfile(SPOOLED);
                let len = io::copy(&mut stream.take(end.saturating_sub(start)), &mut spooled)?;
                Ok(Seekable { bytes: Box::new(spooled), start: 0, input_end: start.saturating_add(len) })
            }
        }
    }
}

/// Part of an input, readable in any order.
pub(super) struct Seekable {
    pub(super) bytes: Box<dyn ReadSeek>,
    /// The position in `bytes` of the first byte of the part.
    pub(super) start: u64,
    /// The length of the input. Of a stream that is longer than the part, the end of the part.
    pub(super) input_end: u64,
}

/// Items that are contiguous in the input, in blocks of whole items.
pub(super) struct ContiguousItems {
    input: Box<dyn Read>,
    itemsize: NonZeroUsize,
    /// Number of items to read; `None`: up to the end of the input.
    count: Option<u64>,
    items_read: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were read from the input.
    filled: usize,
    /// Bytes of the buffer that were returned as items.
    used: usize,
}

impl ContiguousItems {
    pub(super) fn new(input: Box<dyn Read>, itemsize: NonZeroUsize, count: Option<u64>) -> Self {
        Self { input, itemsize, count, items_read: 0, buffer: Vec::new(), filled: 0, used: 0 }
    }

    /// Returns the next items: all that one `read` gives, so that a slow stream is followed as it is
    /// written.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.buffer.copy_within(self.used..self.filled, 0);
        self.filled = self.filled.saturating_sub(self.used);
        self.used = 0;
        let block_items = (BLOCK / self.itemsize).max(1);
        let items = match self.count.map(|count| usize::try_from(count.saturating_sub(self.items_read))) {
            Some(Ok(0)) => return Ok(None),
            Some(Ok(rest)) => rest.min(block_items),
            Some(Err(_)) | None => block_items,
        };
        let wanted = items.saturating_mul(self.itemsize.get());
        while self.filled < self.itemsize.get() {
            // The buffer grows with the bytes that are read: an item may declare more bytes than there is memory.
            let len = wanted.min(self.filled.saturating_mul(2).max(BLOCK));
            if let Some(more) = len.checked_sub(self.buffer.len()).filter(|more| *more > 0) {
                let no_memory = |_| {
                    let len = plural(to_u64(len), "byte");
                    Failure::refused(format_args!("there is no memory for {len} of one item"))
                };
                self.buffer.try_reserve_exact(more).map_err(no_memory)?;
                self.buffer.resize(len, 0);
            }
            let Some(unread) = self.buffer.get_mut(self.filled..len) else {
                return Err(Failure::internal("the buffer is shorter than its contents"));
            };
            match self.input.read(unread) {
                Ok(0) => return self.end().map(|()| None),
                Ok(read) => self.filled = self.filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let items = self.filled / self.itemsize;
        self.used = items.saturating_mul(self.itemsize.get());
        self.items_read = self.items_read.saturating_add(to_u64(items));
        Ok(self.buffer.get(..self.used))
    }

    /// Checks that the input may end after the items that were read.
    fn end(&self) -> Result<(), Failure> {
        let (rest, items) = (plural(to_u64(self.filled), "byte"), plural(self.items_read, "item"));
        let size = self.itemsize;
        match self.count {
            None if self.filled == 0 => Ok(()),
            None if self.items_read == 0 => {
                Err(Failure::refused(format_args!("{rest} left over after {items} of {size} bytes")))
            }
            None => Err(Failure::refused(format_args!(
                "{rest} left over after {items} of {size} bytes\nhelp: `--count {}` reads the whole items",
                self.items_read
            ))),
            Some(count) => {
                let rest = if self.filled == 0 { String::new() } else { format!(" and {rest}") };
                let count = plural(count, "item");
                Err(Failure::refused(format_args!(
                    "the input ends after {items}{rest} but {count} of {size} bytes were asked for"
                )))
            }
        }
    }
}

/// Converts a length in memory to the type of lengths of files.
pub(super) fn to_u64(len: usize) -> u64 {
    // No target of Rust has pointers of more than 64 bits.
    debug_assert!(u64::try_from(len).is_ok());
    u64::try_from(len).unwrap_or(u64::MAX)
}
