//! `pep3118 hexdump`: prints the bytes of a file, and describes the fields that contain the bytes. With `--diff`,
//! prints only the items in which two files differ.

mod fields;
mod html;
mod text;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use pep3118::__private::plural;
use pep3118::decode::Plan;
use pep3118::{Interpretation, LayoutError};

use super::c_source::COptions;
use super::escape::escape_path;
use super::examples;
use super::failure::{Failure, Status};
use super::input::{InputSource, refuse_swapped};
use super::options::{self, InterpretationOptions, note_type_name};
use super::output::refuse_stdout_of;
use fields::ItemMap;
use html::HtmlWriter;
use pep3118::__private::to_u64;
use text::TextWriter;

/// The size in bytes of the buffer of the input and of the buffer of the output.
const BUFFER: usize = 1 << 16;

/// Print the bytes of a file with their meaning
///
/// For each item, the command prints rows of bytes: the offset of the row in the file, the bytes in
/// hexadecimal, and the bytes as ASCII characters. Below a row are the fields that start in the row. A line
/// has the bytes of the field in the file, the offset in the item, the name, the type with its byte order, and
/// the value as `decode` prints it. Padding has its reason in place of a type and a value. Offsets are decimal.
/// On a terminal, a field and its bytes have the same colour.
///
/// The rest of the file after the last whole item is printed without fields. The exit status is 0, or 1 if an
/// error occurs. With --diff, the exit status is 1 if the files differ.
#[derive(Debug, Args)]
#[command(after_help = examples::help("hexdump"))]
pub(super) struct Hexdump {
    /// The file to read; - is standard input
    file: PathBuf,
    /// The format of an item, such as '<IhBd8s'
    #[arg(required_unless_present_any = ["format_option", "c", "struct"], conflicts_with_all = ["format_option", "c", "struct"])]
    format: Option<OsString>,
    /// The format of an item, in place of the argument FORMAT
    #[arg(id = "format_option", long = "format", short, value_name = "FORMAT", conflicts_with_all = ["c", "struct"])]
    format_option: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    /// The size of an item in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Offset of the first item in the file, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    skip: u64,
    /// Number of items to print [default: all whole items of the file]
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Print the items in which the file OTHER differs, with both values of each field that differs
    #[arg(long, value_name = "OTHER")]
    diff: Option<PathBuf>,
    /// Print an HTML page, in which a field and its bytes are highlighted together
    #[arg(long)]
    html: bool,
}

impl Hexdump {
    /// Prints the items. Returns [`Failed`](Status::Failed) if the files of `--diff` differ, and otherwise
    /// [`Done`](Status::Done).
    pub(super) fn run(self) -> Result<Status, Failure> {
        let format = self.format.as_ref().or(self.format_option.as_ref());
        let found = match (self.c.interpretation(&self.interpretation.model, self.itemsize)?, format) {
            (Some(found), _) => found,
            (None, Some(format)) => self.interpretation(format)?,
            // clap requires a format unless --c is given.
            (None, None) => return Err(Failure::internal("no format")),
        };
        if found.layout.size() == 0 {
            return Err(Failure::refused("items of 0 bytes: there is nothing to read"));
        }
        // `Plan::new` refuses layouts with too many values of 0 bytes. The command does not use the plan.
        Plan::new(&found.layout).map_err(Failure::refused)?;
        let map = ItemMap::new(&found, format.map(|format| options::bytes(format)).unwrap_or_default())?;
        let items = ItemReader::open(&self.file, self.skip, &map)?;
        let others = match &self.diff {
            Some(other) if self.file.as_os_str() == "-" && other.as_os_str() == "-" => {
                return Err(Failure::Usage("the file and --diff are both standard input".to_owned()));
            }
            Some(other) => Some(ItemReader::open(other, self.skip, &map)?),
            None => None,
        };
        // `anstream::stdout()` searches all output for colours, which takes half of the time. Output without colours is
        // therefore written to standard output directly. All text from the input is escaped.
        let has_colours = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let out: Box<dyn Write> =
            if has_colours { Box::new(anstream::stdout().lock()) } else { Box::new(io::stdout().lock()) };
        let out = BufWriter::with_capacity(BUFFER, out);
        if self.html {
            let writer = HtmlWriter::new(&map, &self.title(&found), out)?;
            return self.print(writer, items, others);
        }
        let end = match &others {
            Some(others) => items.end().zip(others.end()).map(|(end, other)| end.max(other)),
            None => items.end(),
        };
        self.print(TextWriter::new(&map, super::width(), end, has_colours, out), items, others)
    }

    /// Prints the items of `items` with `writer`. If `others` is `Some`, `others` has the items of another file, and
    /// the method prints only the items that differ. Returns [`Failed`](Status::Failed) if the files differ. Writes the
    /// end of the output also after an error.
    fn print(
        &self,
        mut writer: impl ItemWriter,
        items: ItemReader,
        others: Option<ItemReader>,
    ) -> Result<Status, Failure> {
        let printed = match others {
            Some(others) => self.print_difference(&mut writer, [items, others]),
            None => self.print_items(&mut writer, items),
        };
        writer.finish()?;
        printed
    }

    /// Returns the failure for `error`, which the library returned for `format`. If the format is ambiguous and the
    /// command reads the whole file, the help line lists the dialects whose item size divides the length of the file.
    fn refused(&self, error: &LayoutError, format: &[u8]) -> Failure {
        if self.count.is_some() {
            return self.interpretation.refused(error, format, self.itemsize);
        }
        self.interpretation.refused_for_file(error, format, self.itemsize, &self.file, self.skip)
    }

    /// Returns the interpretation of `format`. If `format` is also the name of a type, such as `int`, writes a note to
    /// standard error. Returns an error if `format` is invalid or ambiguous, or if the format and the file are swapped.
    fn interpretation(&self, format: &OsStr) -> Result<Interpretation, Failure> {
        if self.format_option.is_none() {
            refuse_swapped(&self.file, format, "hexdump")?;
        }
        let format = options::bytes(format);
        let found = self.interpretation.reconcile(format, self.itemsize);
        let found = found.map_err(|error| self.refused(&error, format))?;
        note_type_name(format);
        Ok(found)
    }

    /// Returns the title of the page for items with the interpretation `found`: `ticks.bin: <Hd, items of 10 bytes,
    /// dialect struct, lp64`.
    fn title(&self, found: &Interpretation) -> String {
        let file = escape_path(&self.file);
        let format = match self.format.as_ref().or(self.format_option.as_ref()) {
            Some(format) => super::escape::escape(options::bytes(format)).into_owned(),
            // A layout without a canonical format, such as a union, has `C source` in the title.
            None => options::canonical(&found.layout).unwrap_or_else(|_| "C source".to_owned()),
        };
        let (size, model) = (plural(found.layout.size(), "byte"), &self.interpretation.model.name);
        let model = super::escape::escape(model.as_bytes());
        format!("{file}: {format}, items of {size}, dialect {}, {model}", found.dialect)
    }

    /// Prints `items` up to --count with `writer`, and the bytes after the last whole item.
    ///
    /// # Errors
    /// - the input ends before --count items
    fn print_items(&self, writer: &mut impl ItemWriter, mut items: ItemReader) -> Result<Status, Failure> {
        while self.count != Some(items.number) {
            items.read()?;
            if !items.is_whole() {
                if !items.bytes.is_empty() {
                    writer.rest(items.offset, &items.bytes)?;
                } else if items.number == 0 {
                    writer.note(&format!("the input has no bytes{}", after_skip(self.skip)))?;
                }
                items.check_count(self.count)?;
                break;
            }
            writer.item(items.number, items.offset, &items.bytes)?;
            // The items of a slow stream appear as soon as they arrive.
            if items.is_waiting() {
                writer.flush()?;
            }
            items.advance();
        }
        Ok(Status::Done)
    }

    /// Prints with `writer` the items that differ between the two `files`, and the number of items that differ. Returns
    /// [`Failed`](Status::Failed) if the files differ. Returns an error if reading or writing fails, or if the files
    /// have fewer than --count items.
    fn print_difference(&self, writer: &mut impl ItemWriter, files: [ItemReader; 2]) -> Result<Status, Failure> {
        let [mut first, mut second] = files;
        writer.legend([&first.name, &second.name])?;
        let mut different = 0_u64;
        let mut length_differs = false;
        let mut rests_differ = false;
        while self.count != Some(first.number) {
            // The differences of a slow stream appear as soon as both items arrive.
            if first.is_waiting() || second.is_waiting() {
                writer.flush()?;
            }
            first.read()?;
            second.read()?;
            if first.is_whole() && second.is_whole() {
                if first.bytes != second.bytes {
                    different = different.saturating_add(1);
                    writer.difference(first.number, first.offset, [&first.bytes, &second.bytes])?;
                }
                first.advance();
                second.advance();
                continue;
            }
            let len = first.bytes.len().min(second.bytes.len());
            let rests = [first.bytes.get(..len), second.bytes.get(..len)].map(Option::unwrap_or_default);
            let [rest, other] = rests;
            rests_differ = rest != other;
            if rests_differ {
                writer.different_rest(first.offset, rests)?;
            }
            if let Some(note) = length_note(&first, &second) {
                length_differs = true;
                writer.note(&note)?;
            }
            break;
        }
        let compared = plural(first.number, "item");
        let differ = if different == 1 { "differs" } else { "differ" };
        writer.note(&format!("{different} of {compared} {differ}"))?;
        if self.count.is_some_and(|count| first.number < count) && !length_differs {
            first.check_count(self.count)?;
        }
        Ok(if different > 0 || rests_differ || length_differs { Status::Failed } else { Status::Done })
    }
}

/// The output of the command. All offsets are in bytes from the start of the input. Each method returns an error if
/// writing fails, or if there is no memory for a value.
trait ItemWriter {
    /// Writes `item`, the bytes of one item. `number` is the number of the item, counted from 0, and `offset` is the
    /// offset of the item.
    fn item(&mut self, number: u64, offset: u64, item: &[u8]) -> Result<(), Failure>;

    /// Writes `bytes`, the bytes after the last whole item. `offset` is the offset of `bytes`.
    fn rest(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Failure>;

    /// Writes `names`, the names of the two compared files. The names must be escaped.
    fn legend(&mut self, names: [&str; 2]) -> Result<(), Failure>;

    /// Writes the differences between `items`, the bytes of the same item in the two files. `number` is the number of
    /// the item, counted from 0, and `offset` is the offset of the item in each file.
    fn difference(&mut self, number: u64, offset: u64, items: [&[u8]; 2]) -> Result<(), Failure>;

    /// Writes the differences between `rests`, the bytes after the last whole item in the two files. The two entries
    /// must have the same length. `offset` is their offset in each file.
    fn different_rest(&mut self, offset: u64, rests: [&[u8]; 2]) -> Result<(), Failure>;

    /// Writes the line `line`. Invisible characters in `line` must already be escaped.
    fn note(&mut self, line: &str) -> Result<(), Failure>;

    /// Flushes the output.
    fn flush(&mut self) -> Result<(), Failure>;

    /// Writes the end of the output, and flushes the output.
    fn finish(&mut self) -> Result<(), Failure>;
}

/// Returns the end of a message about the input, such as ` after --skip 10`. Returns an empty string if `skip` is 0.
fn after_skip(skip: u64) -> String {
    if skip == 0 { String::new() } else { format!(" after --skip {skip}") }
}

/// If the lengths of the inputs `first` and `second` differ, returns a message with the difference. Returns `None` if
/// the lengths are equal. The caller must have read both inputs until the shorter input ended.
fn length_note(first: &ItemReader, second: &ItemReader) -> Option<String> {
    let (shorter, longer) = match first.bytes.len().cmp(&second.bytes.len()) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Less => (first, second),
        std::cmp::Ordering::Greater => (second, first),
    };
    let end = shorter.offset.saturating_add(to_u64(shorter.bytes.len()));
    // The length of a stream is unknown, and a stream can be endless.
    let more = longer.end().and_then(|longer| longer.checked_sub(end));
    let more = more.map_or_else(|| "more bytes".to_owned(), |more| plural(more, "more byte"));
    Some(format!("{} ends after {}; {} has {more}", shorter.name, plural(end, "byte"), longer.name))
}

/// Reads the items of an input in order.
struct ItemReader {
    /// The escaped name of the input.
    name: String,
    input: BufReader<Box<dyn Read>>,
    /// The number of bytes of the input after the bytes that `--skip` skips. `None` if the length is unknown.
    len: Option<u64>,
    itemsize: usize,
    skip: u64,
    /// The bytes of the current item. At the end of the input, the item can be incomplete.
    bytes: Vec<u8>,
    /// The number of items before the current item.
    number: u64,
    /// The offset in bytes of the current item in the input.
    offset: u64,
}

impl ItemReader {
    /// Opens the input `path` and skips `skip` bytes. `map` determines the size of an item.
    ///
    /// # Errors
    /// - `path` cannot be opened, or has fewer than `skip` bytes
    /// - `path` is standard output
    /// - `path` is a stream, and an item is too large for a stream
    fn open(path: &Path, skip: u64, map: &ItemMap) -> Result<Self, Failure> {
        let (input, identity) = InputSource::open(path, false)?;
        if let Some(identity) = identity {
            refuse_stdout_of(&identity)?;
        }
        input.limit_item(map.size())?;
        let (input, len) = input.after(skip)?;
        let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { escape_path(path) };
        let input = BufReader::with_capacity(BUFFER, input);
        Ok(Self { name, input, len, itemsize: map.size(), skip, bytes: Vec::new(), number: 0, offset: skip })
    }

    /// Returns the offset at which the input ends. Returns `None` if the length of the input is unknown.
    fn end(&self) -> Option<u64> {
        self.len.map(|len| len.saturating_add(self.skip))
    }

    /// Reads the bytes of the current item into `self.bytes`. Reads fewer bytes at the end of the input. Returns an
    /// error if reading fails.
    fn read(&mut self) -> Result<(), Failure> {
        self.bytes.clear();
        // An item can be larger than the input. `read_to_end` at most doubles its buffer at a time, so a short input
        // does not allocate the memory of such an item.
        self.input.by_ref().take(to_u64(self.itemsize)).read_to_end(&mut self.bytes)?;
        Ok(())
    }

    /// Returns `true` if all bytes of the current item were read.
    fn is_whole(&self) -> bool {
        self.bytes.len() == self.itemsize
    }

    /// Makes the next item the current item, without reading it.
    fn advance(&mut self) {
        self.number = self.number.saturating_add(1);
        self.offset = self.offset.saturating_add(to_u64(self.itemsize));
    }

    /// Returns `true` if the next read can block, because the input is a stream and no whole item is buffered.
    fn is_waiting(&self) -> bool {
        self.len.is_none() && self.input.buffer().len() < self.itemsize
    }

    /// Checks that at least `count` items were read. `None` means that any number is enough. The caller must have read
    /// to the end of the input.
    ///
    /// # Errors
    /// - fewer than `count` items were read
    fn check_count(&self, count: Option<u64>) -> Result<(), Failure> {
        let Some(count) = count.filter(|count| *count > self.number) else { return Ok(()) };
        let (items, size) = (plural(self.number, "item"), plural(to_u64(self.itemsize), "byte"));
        let rest = match self.bytes.len() {
            0 => String::new(),
            rest => format!(" and {}", plural(to_u64(rest), "byte")),
        };
        let count = plural(count, "item");
        Err(Failure::refused(format_args!("the input ends after {items}{rest} but {count} of {size} were asked for")))
    }
}
