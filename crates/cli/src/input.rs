//! `InputSource`: the input of `decode`, `encode` and `hexdump`, which is a regular file, or a stream that can be read
//! only once. `ContiguousItems` reads whole items. `Packets` removes the gaps between items.
//!
//! The command reads blocks of the file into a buffer of bounded size, and does not map the file into memory. Another
//! process can write to a mapped file, but Rust assumes that a shared slice does not change. If another process
//! truncates a mapped file, a signal ends the command. With `read`, the command reports a truncated file as an error.

use pep3118::__private::to_u64;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::Duration;

use pep3118::__private::plural;
use same_file::Handle;

use super::escape::escape_path;
use super::failure::Failure;
use super::output::is_damaged_by_writing;

/// The size in bytes of a block of items: four times the capacity of a pipe.
const BLOCK: usize = 1 << 18;

/// The maximum number of bytes of a stream that [`InputSource::seekable`] stores in memory. A longer stream is copied
/// to a temporary file.
const SPOOLED: usize = 1 << 24;

/// The size in bytes of the largest item that is read from a stream. A file cannot contain an item that is
/// larger than the file, but a stream can be endless. The values of an item can need 30 times as much memory
/// as the bytes of the item.
pub(super) const LARGEST_STREAM_ITEM: usize = 1 << 26;

/// The time between two attempts to read new bytes of a file that is followed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// An input before its first byte is read.
pub(super) enum InputSource {
    /// A regular file and its length in bytes.
    File(File, u64),
    /// Standard input, a pipe or a device.
    Stream(Box<dyn Read>),
}

/// A source of bytes that can be read in any order. The trait combines `Read` and `Seek`, because a `dyn` type can have
/// only one such trait.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl InputSource {
    /// Opens the input `path`; `-` is standard input. If `follow` is true, a regular file has no end: a read waits for
    /// bytes that another process appends. Returns (input, handle). The handle identifies the input, so that the caller
    /// can refuse to overwrite the input. The handle is `None` if writing cannot damage the input. Returns an error if
    /// the input cannot be opened or is a directory.
    pub(super) fn open(path: &Path, follow: bool) -> Result<(Self, Option<Handle>), Failure> {
        if path.as_os_str() == "-" {
            // A closed standard input is an error of `Handle::stdin`. No output can be the same file as a closed
            // standard input, so the handle is `None`.
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
        if follow && metadata.is_file() {
            return Ok((Self::Stream(Box::new(GrowingFile { file, position: 0 })), identity));
        }
        if !metadata.is_file() {
            return Ok((Self::Stream(Box::new(file)), identity));
        }
        if metadata.len() == 0 {
            // Files in /proc have contents but report the length 0, so the command reads them as streams.
            let mut start = Vec::new();
            (&file).take(1).read_to_end(&mut start).map_err(named)?;
            if !start.is_empty() {
                return Ok((Self::Stream(Box::new(io::Cursor::new(start).chain(file))), identity));
            }
        }
        Ok((Self::File(file, metadata.len()), identity))
    }

    /// Checks that an item of `itemsize` bytes is small enough to be read from this input.
    ///
    /// # Errors
    /// - the input is a stream and `itemsize` is larger than `LARGEST_STREAM_ITEM`
    pub(super) fn limit_item(&self, itemsize: usize) -> Result<(), Failure> {
        match self {
            Self::Stream(_) if itemsize > LARGEST_STREAM_ITEM => Err(Failure::refused(format_args!(
                "an item has {} but at most {LARGEST_STREAM_ITEM} are read from a stream\nhelp: save the stream to a file",
                plural(to_u64(itemsize), "byte")
            ))),
            // The buffer for an item of a file grows only while the file has more bytes.
            _ => Ok(()),
        }
    }

    /// Skips `skip` bytes. Returns (remaining input, number of remaining bytes). The number is `None` if it is unknown.
    ///
    /// # Errors
    /// - the input has fewer than `skip` bytes
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

    /// Makes the bytes from offset `start` to offset `end` readable in any order. Copies these bytes to memory or to a
    /// temporary file if the input is a stream. Returns an error if a stream has fewer than `start` bytes, or if
    /// reading or writing the copy fails. Does not check that the input reaches `end`.
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

/// Returns an error if the user has most likely swapped `file` and `format`, the arguments of `command`. This is the
/// case if `file` does not exist, but `format` is the name of a file. Never returns an error if `file` is `-`.
pub(super) fn refuse_swapped(file: &Path, format: &OsStr, command: &str) -> Result<(), Failure> {
    if file.as_os_str() == "-" || file.exists() || !Path::new(format).is_file() {
        return Ok(());
    }
    let (first, second) = (escape_path(file), escape_path(Path::new(format)));
    Err(Failure::refused(format_args!(
        "{first}: no such file, but {second} is a file\nhelp: the file is before the format: `{command} FILE FORMAT`"
    )))
}

/// A regular file to which another process appends. At the end of the file, a read waits for more bytes. A read returns
/// an error if the file became shorter.
struct GrowingFile {
    file: File,
    /// The number of bytes read from the file.
    position: u64,
}

impl Read for GrowingFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.file.read(bytes)?;
            if read > 0 || bytes.is_empty() {
                self.position = self.position.saturating_add(to_u64(read));
                return Ok(read);
            }
            if self.file.metadata()?.len() < self.position {
                return Err(io::Error::other("the file became shorter while it was read"));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Reads the items of an input that consists of packets. A packet is an item of `item_bytes` bytes and a gap of
/// `gap_bytes` bytes.
pub(super) struct Packets {
    input: BufReader<Box<dyn Read>>,
    item_bytes: usize,
    /// The number of bytes after the item in each packet.
    gap_bytes: usize,
    /// The number of read bytes of the current packet.
    position: usize,
}

impl Packets {
    /// Divides `input` into packets. A packet is an item of `item_bytes` bytes, followed by `gap_bytes` bytes that are
    /// ignored. At least one of the two numbers must not be 0.
    pub(super) fn new(input: Box<dyn Read>, item_bytes: usize, gap_bytes: usize) -> Self {
        Self { input: BufReader::with_capacity(BLOCK, input), item_bytes, gap_bytes, position: 0 }
    }
}

impl Read for Packets {
    /// Returns the bytes of items that have arrived, and does not wait until `bytes` is full. The items of a slow
    /// stream therefore appear at once.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0_usize;
        loop {
            let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) else { return Ok(filled) };
            if filled > 0 && self.input.buffer().is_empty() {
                return Ok(filled);
            }
            let buffered = match self.input.fill_buf() {
                Ok([]) => return Ok(filled),
                Ok(buffered) => buffered,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let missing = self.item_bytes.saturating_sub(self.position);
            let used = if missing > 0 {
                let len = missing.min(buffered.len()).min(free.len());
                free.iter_mut().zip(buffered).take(len).for_each(|(to, byte)| *to = *byte);
                filled = filled.saturating_add(len);
                len
            } else {
                let end = self.item_bytes.saturating_add(self.gap_bytes);
                end.saturating_sub(self.position).min(buffered.len())
            };
            self.input.consume(used);
            self.position = self.position.saturating_add(used);
            if self.position >= self.item_bytes.saturating_add(self.gap_bytes) {
                self.position = 0;
            }
        }
    }
}

/// The requested range of an input. The bytes of the range can be read in any order.
pub(super) struct Seekable {
    pub(super) bytes: Box<dyn ReadSeek>,
    /// The index in `bytes` of the first byte of the range.
    pub(super) start: u64,
    /// The offset in bytes at which the input ends. A stream is read only up to the end of the range. If the stream is
    /// longer than the range, `input_end` is the end of the range.
    pub(super) input_end: u64,
}

/// Reads contiguous items from an input. Returns the items in blocks, each with one or more whole items.
pub(super) struct ContiguousItems {
    input: Box<dyn Read>,
    itemsize: NonZeroUsize,
    /// The number of items to read. `None` means all items up to the end of the input.
    count: Option<u64>,
    items_read: u64,
    buffer: Vec<u8>,
    /// The number of bytes at the start of `buffer` that contain input.
    filled: usize,
    /// The number of bytes at the start of `buffer` that [`next`](Self::next) has returned.
    used: usize,
    /// A suggestion for the message if the input ends with an incomplete item. The text is empty if there is none.
    suggestion: String,
}

impl ContiguousItems {
    /// Creates a reader of the items of `itemsize` bytes in `input`. `count` is the number of items to read, or `None`
    /// to read up to the end of `input`. `suggestion` is a text for the help line of the error if the input ends with an
    /// incomplete item, or an empty text.
    pub(super) fn new(input: Box<dyn Read>, itemsize: NonZeroUsize, count: Option<u64>, suggestion: String) -> Self {
        Self { input, itemsize, count, items_read: 0, buffer: Vec::new(), filled: 0, used: 0, suggestion }
    }

    /// Returns the next block of whole items, or `None` after the last item. The method returns all items that are
    /// complete after one `read` call, and does not wait until the buffer is full. The items of a slow stream are
    /// therefore returned at once.
    ///
    /// # Errors
    /// - the input ends in the middle of an item, or before `count` items
    /// - reading fails, or an item does not fit into memory
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
            // A format can declare an item that is larger than the memory. The buffer therefore starts small, and each
            // `read` at most doubles it. A short input ends before the buffer is large.
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

    /// Checks that the input was complete. The caller must have reached the end of the input, before `count` items if
    /// `count` is a number.
    ///
    /// # Errors
    /// - the input ends with an incomplete item
    /// - fewer than `count` items were read
    fn end(&self) -> Result<(), Failure> {
        let (rest, items) = (plural(to_u64(self.filled), "byte"), plural(self.items_read, "item"));
        let size = self.itemsize;
        match self.count {
            None if self.filled == 0 => Ok(()),
            None => {
                let count = format!("`--count {}` reads the whole items", self.items_read);
                let suggestions = [if self.items_read > 0 { count } else { String::new() }, self.suggestion.clone()];
                let suggestions: Vec<String> = suggestions.into_iter().filter(|text| !text.is_empty()).collect();
                let help = if suggestions.is_empty() { "" } else { "\nhelp: " };
                let message = format!("{rest} left over after {items} of {size} bytes{help}");
                Err(Failure::refused(message + &suggestions.join("; or ")))
            }
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
