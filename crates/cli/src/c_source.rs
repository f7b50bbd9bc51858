//! The options `--c` and `--struct`, with which a command reads C source instead of a format.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};

use clap::Args;
use pep3118::__private::plural;
use pep3118::{CError, Dialect, Interpretation, Layout};

use super::escape::escape;
use super::failure::Failure;
use super::json::ErrorObject;
use super::names::NamedModel;

/// The limit in bytes for the size of a header file. A file of this size or larger is refused. The library permits 2
/// MiB of C source.
const LARGEST_HEADER: u64 = 4 << 20;

/// The dialect that the output of a command contains for C source. The layout does not depend on the rules of this
/// dialect.
const C: Dialect = {
    let mut dialect = Dialect::PEP3118;
    dialect.name = "c";
    dialect
};

/// The options for C source instead of a format.
#[derive(Debug, Args)]
pub(super) struct COptions {
    /// C declarations such as 'struct tick { uint16_t id; double price; };', or a header file, instead of a
    /// format
    #[arg(id = "c", long = "c", value_name = "SOURCE")]
    source: Option<OsString>,
    /// The structure, union or typedef of the C source [default: the last structure]
    #[arg(id = "struct", long = "struct", value_name = "NAME", requires = "c")]
    name: Option<String>,
}

/// The reason why the command refuses the C source.
pub(super) enum CSourceError {
    /// The source is not valid, or declares no type with the name of `--struct`.
    Source(CError),
    /// The source cannot be read, or an option contradicts the source.
    Other {
        /// The message without `error: `. Text from the user is escaped.
        message: String,
        /// The help line, or an empty text for no help line.
        help: &'static str,
    },
}

impl From<CSourceError> for Failure {
    fn from(error: CSourceError) -> Self {
        match error {
            CSourceError::Source(error) => Self::Refused(error.diagnostic().colored()),
            CSourceError::Other { message, help: "" } => Self::refused(message),
            CSourceError::Other { message, help } => Self::refused(format_args!("{message}\nhelp: {help}")),
        }
    }
}

impl From<&CSourceError> for ErrorObject {
    fn from(error: &CSourceError) -> Self {
        Self::new(
            "c-source",
            match error {
                CSourceError::Source(error) => error.to_string(),
                CSourceError::Other { message, .. } => message.clone(),
            },
        )
    }
}

impl COptions {
    /// Returns `true` if `--c` is given.
    pub(super) const fn is_given(&self) -> bool {
        self.source.is_some()
    }

    /// Returns the interpretation of the C source for the data model `model`. The value of `--c` is the source itself
    /// if it contains `;` or `{`, and otherwise the path of a header. Returns `None` without `--c`. If `itemsize` is
    /// `Some`, the C type must have this size in bytes.
    pub(super) fn interpretation(
        &self,
        model: &NamedModel,
        itemsize: Option<u64>,
    ) -> Result<Option<Interpretation>, CSourceError> {
        let Some(source) = &self.source else { return Ok(None) };
        let bytes = source.as_encoded_bytes();
        // The value is C source if it contains a semicolon or a brace: every declaration ends with a semicolon, and a
        // file name rarely contains these characters.
        let text = if bytes.iter().any(|byte| matches!(byte, b';' | b'{')) {
            bytes.to_vec()
        } else {
            read_header(source).map_err(|error| {
                let message = format!("cannot read the header `{}`: {error}", escape(bytes));
                let help = "declarations end with a semicolon: `--c 'struct tick { int id; };'`";
                CSourceError::Other { message, help }
            })?
        };
        let Ok(text) = String::from_utf8(text) else {
            return Err(CSourceError::Other { message: "the C source is not UTF-8".to_owned(), help: "" });
        };
        let layout = Layout::from_c(&text, self.name.as_deref(), &model.model).map_err(CSourceError::Source)?;
        let size = layout.size();
        if let Some(itemsize) = itemsize.filter(|itemsize| *itemsize != size) {
            let (given, size) = (plural(itemsize, "byte"), plural(size, "byte"));
            let message = format!("itemsize is {given} but the C type has {size}");
            return Err(CSourceError::Other { message, help: "omit `--itemsize`" });
        }
        Ok(Some(Interpretation::exact(layout, &C)))
    }
}

/// Returns the content of the file `path`. Returns an error if the file cannot be read, or has [`LARGEST_HEADER`] bytes
/// or more.
fn read_header(path: &OsString) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST_HEADER).read_to_end(&mut content)?;
    if u64::try_from(content.len()) == Ok(LARGEST_HEADER) {
        return Err(io::Error::other(format!("the file has {LARGEST_HEADER} bytes or more")));
    }
    Ok(content)
}
