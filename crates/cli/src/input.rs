//! Where items come from: files that can be read anywhere, streams that are read once.
//!
//! No file is mapped into memory. A map would be a slice that Rust holds for constant while anyone
//! may write to the file, and a file that becomes shorter would end the process by a signal. Both
//! ways of reading, one block after the other and [`strided`](super::strided), copy a bounded number
//! of bytes, and a file that becomes shorter is an error with a message.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::Failure;
use super::decode::refused;
use pep3118::__private::{escape, plural};

/// Bytes of a block: as many as a pipe holds several times, few beside any program.
const BLOCK: usize = 1 << 18;

/// Bytes of standard input that are kept in memory; more are kept in a file without a name.
const KEPT: usize = 1 << 24;

/// An input before its first item was read.
pub(super) enum Input {
    /// A regular file and its length in bytes.
    File(File, u64),
    /// Standard input, a pipe, a device.
    Stream(Box<dyn Read>),
}

/// Bytes that can be read in any order.
pub(super) trait Anywhere: Read + Seek {}
impl<T: Read + Seek> Anywhere for T {}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stream(Box::new(io::stdin().lock())));
        }
        let named =
            |error: io::Error| refused(format_args!("{}: {error}", escape(path.as_os_str().as_encoded_bytes())));
        let file = File::open(path).map_err(named)?;
        let about = file.metadata().map_err(named)?;
        if about.is_dir() {
            return Err(refused(format_args!("{}: is a directory", escape(path.as_os_str().as_encoded_bytes()))));
        }
        // Files of the system that are made while they are read say that they are empty.
        let regular = about.is_file() && about.len() > 0;
        Ok(if regular { Self::File(file, about.len()) } else { Self::Stream(Box::new(file)) })
    }

    /// The bytes behind the first `skip`, and how many there are, if that is known.
    pub(super) fn after(self, skip: u64) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
        let short = |there: u64| {
            let (there, skip) = (plural(there, "byte"), plural(skip, "byte"));
            Err(refused(format_args!("the input has {there} but {skip} are to be skipped")))
        };
        match self {
            Self::File(_, len) if len < skip => short(len),
            Self::File(mut file, len) => {
                file.seek(SeekFrom::Start(skip))?;
                Ok((Box::new(file), Some(len.saturating_sub(skip))))
            }
            Self::Stream(mut stream) => {
                let passed = io::copy(&mut stream.by_ref().take(skip), &mut io::sink())?;
                if passed < skip { short(passed) } else { Ok((stream, None)) }
            }
        }
    }

    /// The bytes from `start` to `end`, to be read in any order; where `start` is among them; where the
    /// input ends if it ends before `end`, else any place behind. The bytes of a stream are kept, in
    /// memory if they are few, else in a temporary file.
    pub(super) fn anywhere(self, start: u64, end: u64) -> Result<(Box<dyn Anywhere>, u64, u64), Failure> {
        match self {
            Self::File(file, len) => Ok((Box::new(file), start, len)),
            stream @ Self::Stream(_) => {
                let (stream, _) = stream.after(start)?;
                let mut kept = tempfile::spooled_tempfile(KEPT);
                let len = io::copy(&mut stream.take(end.saturating_sub(start)), &mut kept)?;
                Ok((Box::new(kept), 0, start.saturating_add(len)))
            }
        }
    }
}

/// Items that lie one after the other, in blocks of whole items.
pub(super) struct Blocks {
    input: Box<dyn Read>,
    itemsize: usize,
    /// Items to read; `None`: up to the end.
    wanted: Option<u64>,
    done: u64,
    bytes: Vec<u8>,
    /// Bytes that were read into it, and those of items that were handed out.
    filled: usize,
    used: usize,
}

impl Blocks {
    pub(super) fn new(input: Box<dyn Read>, itemsize: usize, wanted: Option<u64>) -> Self {
        Self { input, itemsize, wanted, done: 0, bytes: Vec::new(), filled: 0, used: 0 }
    }

    /// The next items, as many as there are at once: whoever writes slowly is read as he writes.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.bytes.copy_within(self.used..self.filled, 0);
        self.filled = self.filled.saturating_sub(self.used);
        self.used = 0;
        let left = self.wanted.map(|wanted| wanted.saturating_sub(self.done));
        let whole = BLOCK.checked_div(self.itemsize).unwrap_or(0).max(1);
        let items = left.map_or(whole, |left| usize::try_from(left).unwrap_or(whole).min(whole));
        if items == 0 {
            return Ok(None);
        }
        // One item may be more than there is memory for, if the format says so.
        let target = items.saturating_mul(self.itemsize);
        while self.filled < self.itemsize {
            let room = target.min(self.filled.saturating_mul(2).max(BLOCK));
            if let Some(more) = room.checked_sub(self.bytes.len()).filter(|more| *more > 0) {
                let none =
                    |_| refused(format_args!("there is no memory for {} of one item", plural(wide(room), "byte")));
                self.bytes.try_reserve_exact(more).map_err(none)?;
                self.bytes.resize(room, 0);
            }
            match self.input.read(self.bytes.get_mut(self.filled..room).unwrap_or_default()) {
                Ok(0) => return self.ended().map(|()| None),
                Ok(read) => self.filled = self.filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let items = self.filled.checked_div(self.itemsize).unwrap_or(0);
        self.used = items.saturating_mul(self.itemsize);
        self.done = self.done.saturating_add(wide(items));
        Ok(self.bytes.get(..self.used))
    }

    /// Whether the input may end here.
    fn ended(&self) -> Result<(), Failure> {
        let (found, items) = (plural(wide(self.filled), "byte"), plural(self.done, "item"));
        let size = self.itemsize;
        match self.wanted {
            None if self.filled == 0 => Ok(()),
            None if self.done == 0 => Err(refused(format_args!("{found} left over after {items} of {size} bytes"))),
            None => Err(refused(format_args!(
                "{found} left over after {items} of {size} bytes\nhelp: --count {} reads the whole items alone",
                self.done
            ))),
            Some(wanted) => {
                let rest = if self.filled == 0 { String::new() } else { format!(" and {found}") };
                let wanted = plural(wanted, "item");
                Err(refused(format_args!(
                    "the input ends after {items}{rest} but {wanted} of {size} bytes were asked for"
                )))
            }
        }
    }
}

/// A length among lengths of files.
pub(super) fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
