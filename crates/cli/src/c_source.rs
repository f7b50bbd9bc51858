//! The options `--c` and `--struct`: C source instead of a format.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};

use clap::Args;
use pep3118::{Certainty, Dialect, Interpretation, Layout};

use super::escape::escape;
use super::failure::Failure;
use super::options::NamedModel;

/// The largest number of bytes that the command reads from a header. The library permits 2 MiB.
const LARGEST_HEADER: u64 = 4 << 20;

/// The dialect that the output names for C source. The layout does not depend on its rules.
const C: Dialect = Dialect { name: "c", ..Dialect::PEP3118 };

/// The options for C source instead of a format.
#[derive(Debug, Args)]
pub(super) struct COptions {
    /// C declarations such as 'struct tick { uint16_t id; double price; };', or a header file, instead of a
    /// format
    #[arg(id = "c", long = "c", value_name = "SOURCE", conflicts_with = "dialect")]
    source: Option<OsString>,
    /// The structure, union or typedef of the C source [default: the last structure]
    #[arg(id = "struct", long = "struct", value_name = "NAME", requires = "c")]
    name: Option<String>,
}

impl COptions {
    /// Returns whether the user gave `--c`.
    pub(super) fn is_given(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the interpretation of the C source for the data model `model`. Returns `None` without `--c`.
    pub(super) fn interpretation(&self, model: &NamedModel) -> Result<Option<Interpretation>, Failure> {
        let Some(source) = &self.source else { return Ok(None) };
        let bytes = source.as_encoded_bytes();
        // Every declaration ends with a semicolon. A file name rarely contains a semicolon or a brace.
        let text = if bytes.iter().any(|byte| matches!(byte, b';' | b'{')) {
            bytes.to_vec()
        } else {
            read_header(source).map_err(|error| {
                let name = escape(bytes);
                Failure::refused(format_args!(
                    "cannot read the header `{name}`: {error}\nhelp: declarations end with a semicolon: `--c 'struct tick {{ int id; }};'`"
                ))
            })?
        };
        let Ok(text) = String::from_utf8(text) else {
            return Err(Failure::refused("the C source is not UTF-8"));
        };
        let layout = Layout::from_c(&text, self.name.as_deref(), &model.model)
            .map_err(|error| Failure::Refused(error.diagnostic().colored()))?;
        Ok(Some(Interpretation { layout, dialect: C, certainty: Certainty::Exact, trailing_padding: 0 }))
    }
}

/// Returns the content of the file `path`.
fn read_header(path: &OsString) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST_HEADER).read_to_end(&mut content)?;
    if u64::try_from(content.len()) == Ok(LARGEST_HEADER) {
        return Err(io::Error::other(format!("the file has {LARGEST_HEADER} bytes or more")));
    }
    Ok(content)
}
