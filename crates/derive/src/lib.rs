//! `#[derive(Record)]`, which the crate `pep3118` shows as `pep3118::Record` with its
//! feature `derive`. Everything is told there; use it from there.
//!
//! What it writes names `::pep3118` only, holds no `unsafe`, and cannot fail at run time.

mod attributes;
mod expand;

use proc_macro::TokenStream;

/// Makes a struct a record of a buffer: see the trait `pep3118::Record`.
///
/// | attribute | of | means |
/// |--|--|--|
/// | `#[record(rename = "x y")]` | a field | its name in the format |
/// | `#[record(endian = "big")]` | a field, or the struct | the byte order in the format: `"big"` or `"little"` |
/// | `#[record(skip)]` | a field | not in the format; read as `Default::default()` |
/// | `#[record(plain)]` | the struct, which is `repr(C)` | it is `bytemuck::AnyBitPattern`, so whole items may be copied |
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::record(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
