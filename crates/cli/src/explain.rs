//! `pep3118 explain`: prints the fields of a format as a table, and the bytes of an item as a picture, or both as JSON
//! or SVG.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use clap::builder::styling::{AnsiColor, Style};
use pep3118::__private::{interpretations, plural};
use pep3118::{CellStyle, Certainty, Dialect, Interpretation, Layout, Picture, Table};

use super::c_source::COptions;
use super::escape::escape;
use super::examples;
use super::failure::{Failure, Status, print_error};
use super::hints::numpy_reader_note;
use super::json::{self, ErrorObject, FormatReply};
use super::options::{self, InterpretationOptions, note_type_name};
use super::palette::{self, BOLD, PADDING};

/// Show the fields of a format: a table of offsets and a picture of the bytes
///
/// Offsets and sizes are in bytes. With --jsonl, the command reads queries from standard input, one JSON
/// object a line: {"format": "<i", "itemsize": 4, "dialect": "numpy", "model": "lp64"}. The exit status is
/// 1 if a format is refused.
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("explain"))]
pub(super) struct Explain {
    /// The format, such as 'T{b:a:3x<i:b:}'
    #[arg(required_unless_present_any = ["c", "struct", "jsonl"], conflicts_with_all = ["c", "struct"])]
    format: Option<OsString>,
    #[command(flatten)]
    c: COptions,
    /// The size of an item in bytes
    #[arg(long, short, value_name = "BYTES")]
    itemsize: Option<u64>,
    #[command(flatten)]
    interpretation: InterpretationOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the picture as SVG
    #[arg(long, conflicts_with = "json")]
    svg: bool,
    /// Reply to queries from standard input, one JSON object a line
    #[arg(long, conflicts_with_all = ["format", "c", "struct", "itemsize", "json", "svg", "dialect"])]
    jsonl: bool,
}

impl Explain {
    /// Writes the explanation to `out`. Shows all interpretations of an ambiguous format. With `--svg`, returns an
    /// error for an ambiguous format. With `--json` or `--jsonl`, returns [`Failed`](Status::Failed) for a refused
    /// format instead of an error.
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        if self.jsonl {
            return json::reply_to_formats(true);
        }
        match self.c.interpretation(&self.interpretation.model, self.itemsize) {
            Ok(None) => {}
            Ok(Some(found)) => return self.explain_c(found, out),
            Err(error) if self.json => {
                json::write_pretty(out, &FormatReply::Error(ErrorObject::from(&error)))?;
                return Ok(Status::Failed);
            }
            Err(error) => return Err(error.into()),
        }
        // clap requires a format unless --c or --jsonl is given.
        let Some(format) = &self.format else { return Err(Failure::internal("no format")) };
        let format = options::bytes(format);
        let model = &self.interpretation.model.name;
        let found = self.interpretation.reconcile(format, self.itemsize);
        if self.json {
            let reply = FormatReply::new(&found, model, true);
            json::write_pretty(out, &reply)?;
            return Ok(if reply.is_ok() { Status::Done } else { Status::Failed });
        }
        // The table shows all interpretations of an ambiguous format. An SVG picture shows only one interpretation.
        // With `--svg`, an ambiguous format is therefore an error below.
        if let ([first, others @ ..], false) = (interpretations(&found), self.svg) {
            note_type_name(format);
            if self.interpretation.dialect == Some(&Dialect::NUMPY)
                && let Some(note) = numpy_reader_note(format, &first.layout, &self.interpretation.model.model)
            {
                print_error(&note);
            }
            page(out, &escape(format), first, others, model)?;
            return Ok(Status::Done);
        }
        let found = found.map_err(|error| self.interpretation.refused(&error, format, self.itemsize))?;
        note_type_name(format);
        writeln!(out, "{}", Picture::new(&found.layout).svg())?;
        Ok(Status::Done)
    }

    /// Explains `found`, the interpretation of the C source of `--c`, and writes the explanation to `out`. C source is
    /// not a format. The line `format` of the explanation therefore contains the canonical format of the layout.
    /// Returns an error if `out` cannot be written to.
    fn explain_c(&self, found: Interpretation, out: &mut impl Write) -> Result<Status, Failure> {
        let model = &self.interpretation.model.name;
        if self.svg {
            writeln!(out, "{}", Picture::new(&found.layout).svg())?;
            return Ok(Status::Done);
        }
        let format = options::canonical(&found.layout).unwrap_or_else(|message| format!("none, because {message}"));
        if self.json {
            json::write_pretty(out, &FormatReply::new(&Ok(found), model, true))?;
        } else {
            page(out, &format, &found, &[], model)?;
        }
        Ok(Status::Done)
    }
}

/// Writes a header to `out`, and then the table and the picture of each interpretation. `format` must be escaped.
/// `found` is the first interpretation of `format`. `alternatives` are the other interpretations of an ambiguous
/// format. `model` is the name of the data model that the user gave.
fn page(
    out: &mut impl Write,
    format: &str,
    found: &Interpretation,
    alternatives: &[Interpretation],
    model: &str,
) -> io::Result<()> {
    let certainty = if alternatives.is_empty() { certainty(found) } else { format!("{WARNING}ambiguous{WARNING:#}") };
    let layout = &found.layout;
    let endian = layout.model().endian;
    writeln!(out, "{BOLD}format{BOLD:#}   {format}")?;
    let model = escape(model.as_bytes());
    writeln!(out, "{BOLD}dialect{BOLD:#}  {}, {model} ({endian}-endian), {certainty}", found.dialect)?;
    let align = layout.align().bytes();
    let aligned = if align > 1 { format!(", aligned to {align}") } else { String::new() };
    writeln!(out, "{BOLD}size{BOLD:#}     {}{aligned}\n", plural(layout.size(), "byte"))?;
    draw(out, layout)?;
    for Interpretation { dialect, layout, .. } in alternatives {
        let size = plural(layout.size(), "byte");
        writeln!(out, "\n{WARNING}alternative{WARNING:#}: dialect {dialect}, {size}\n")?;
        draw(out, layout)?;
    }
    Ok(())
}

/// Writes the table of the fields of `layout` and the picture of the bytes to `out`. Returns an error if writing fails.
fn draw(out: &mut impl Write, layout: &Layout) -> io::Result<()> {
    write!(out, "{}", Table::new(layout))?;
    write!(out, "\n{}", Picture::new(layout).within(super::width()).render(paint))
}

/// Returns the certainty of `found` as text: an assumption such as `3 bytes of implicit trailing padding`, or `exact`
/// if the interpretation makes no assumption.
fn certainty(found: &Interpretation) -> String {
    match found.certainty {
        Certainty::TrailingPadding => {
            format!("{} of implicit trailing padding", plural(found.trailing_padding, "byte"))
        }
        Certainty::Inferred => "element strides inferred".to_owned(),
        other => other.to_string(),
    }
}

/// The style of the words `ambiguous` and `alternative`.
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Returns `text` with the colour for `cell`. Padding is dim, and adjacent fields have different colours.
/// The output stream removes the colours if it is not a terminal.
fn paint(cell: CellStyle, text: &str) -> String {
    let style = match cell {
        CellStyle::Field(number) => palette::field(number),
        // All other cells belong to no field.
        _ => PADDING,
    };
    format!("{style}{text}{style:#}")
}
