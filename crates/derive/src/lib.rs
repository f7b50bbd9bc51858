//! The derive macro `Record` of the crate `pep3118`.
//!
//! Enable the feature `derive` of `pep3118` and use the macro as `pep3118::Record`. The generated code refers only to
//! `::pep3118`, contains no `unsafe`, and cannot fail at run time.

mod attributes;
mod expand;

use proc_macro::TokenStream;

/// Implements the trait `pep3118::Record` for a struct. The items of a buffer can then be converted to values of the
/// struct. Values of the struct can also be written to the items. The struct must have a field that is not skipped, and
/// must not have generic parameters. An enum or a union is a compile error.
///
/// | attribute | position | effect |
/// |--|--|--|
/// | `#[record(rename = "x y")]` | a field | sets the name of the field in the format |
/// | `#[record(endian = "big")]` | a field or the struct | sets the byte order in the format: `"big"` or `"little"` |
/// | `#[record(skip)]` | a field | omits the field from the format (padding in a `repr(C)` struct), and sets it to `Default::default()` when an item is read |
/// | `#[record(plain)]` | a `repr(C)` struct that is `bytemuck::AnyBitPattern` | copies whole items instead of single fields |
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::record(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
