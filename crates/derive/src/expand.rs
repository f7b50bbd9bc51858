//! Generates the code of `impl Record` for a struct that has `#[derive(Record)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Data, DataStruct, DeriveInput, Error, Fields, Result};

use crate::attributes::{Endian, FieldAttributes, Repr, StructAttributes};

/// Returns the code of `impl Record` for the struct `input`. Returns an error if `input` cannot be a record.
///
/// A macro does not know the sizes of types. The generated code therefore contains constants, and the compiler computes
/// the offsets and sizes of the fields in these constants.
pub(crate) fn record(input: &DeriveInput) -> Result<TokenStream> {
    let data = structure(input)?;
    if let Some(lifetime) = input.generics.lifetimes().next() {
        let message = "a record must not have lifetimes: its values are copied out of the items";
        return Err(Error::new_spanned(lifetime, message));
    }
    if !input.generics.params.is_empty() {
        let message = "a record must not have generic parameters: its format is a constant";
        return Err(Error::new_spanned(&input.generics, message));
    }
    let repr = Repr::of(&input.attrs)?;
    let attributes = StructAttributes::of(&input.attrs)?;
    if let Some(plain) = attributes.plain.as_ref().filter(|_| !repr.c) {
        return Err(Error::new_spanned(plain, "`plain` needs `repr(C)`: it copies the bytes of items to the struct"));
    }
    let name = &input.ident;
    let mut expanded = Expanded::default();
    let packed = option(repr.packed);
    expanded.previous = quote!(::pep3118::decode::record::FieldCursor::start(#packed));
    for (index, field) in data.fields.iter().enumerate() {
        expanded.field(index, field, &repr, &attributes)?;
    }
    if expanded.fields.is_empty() {
        return Err(Error::new_spanned(name, "a record must have a field that is not skipped"));
    }
    let Expanded { cursors, fields, values, stores, previous, skipped, .. } = expanded;
    let (align, c) = (option(repr.align), repr.c && !skipped);
    if let Some(plain) = attributes.plain.as_ref().filter(|_| skipped) {
        return Err(Error::new_spanned(plain, "`plain` copies whole items, so no field can be skipped"));
    }
    let load_all = match attributes.plain {
        // The call gets the span of the word `plain`. If the struct is not `AnyBitPattern`, the error of the compiler
        // therefore points at `plain`.
        Some(plain) => quote_spanned! {plain.span()=>
            ::pep3118::decode::record::load_plain::<Self>(__items, __records)
        },
        // Both traits `ByCopy` and `ByField` have the method `load_all`. A struct implements `ByCopy` if whole items
        // can be copied to it. The compiler then selects the method of `ByCopy`, and otherwise the method of `ByField`.
        None => quote! {
            use ::pep3118::decode::record::{ByCopy as _, ByField as _};
            (&::pep3118::decode::record::LoadSelector::<Self>::new()).load_all(__items, __records)
        },
    };
    Ok(quote! {
        #[automatically_derived]
        const _: () = {
            #(#cursors)*
            const __PEP3118_LAYOUT: ::pep3118::decode::record::RecordLayout =
                ::pep3118::decode::record::RecordLayout::new(#previous, #align, #c, &[#(#fields),*]);
            const __PEP3118_FORMAT: [::core::primitive::u8; __PEP3118_LAYOUT.format_len()] = __PEP3118_LAYOUT.format_bytes();

            impl ::pep3118::decode::record::Record for #name {
                const LAYOUT: ::pep3118::decode::record::RecordLayout = __PEP3118_LAYOUT;
                const FORMAT: &'static ::core::primitive::str = ::pep3118::decode::record::RecordLayout::text(&__PEP3118_FORMAT);

                #[inline(always)]
                fn load<__S: ::pep3118::decode::record::RecordReader>(__source: __S, __at: ::core::primitive::usize) -> Self {
                    Self { #(#values),* }
                }

                #[inline(always)]
                fn store<__R: ::pep3118::decode::record::RecordWriter>(&self, __target: &mut __R, __at: ::core::primitive::usize) {
                    #(#stores)*
                }

                fn load_all(__items: &[::core::primitive::u8], __records: &mut ::pep3118::decode::record::Vec<Self>) {
                    #load_all
                }
            }
        };
    })
}

/// Returns the fields of the struct `input`. Returns an error if `input` is an enum, a union or a unit struct.
fn structure(input: &DeriveInput) -> Result<&DataStruct> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unit => Err(Error::new_spanned(&input.ident, "a record must have a field")),
            _ => Ok(data),
        },
        Data::Enum(data) => {
            Err(Error::new_spanned(data.enum_token, "a record must be a struct: not all bytes are values of an enum"))
        }
        Data::Union(data) => {
            Err(Error::new_spanned(data.union_token, "a record must be a struct: the fields of a union share bytes"))
        }
    }
}

/// Returns the code of an expression with the value `value`, such as `Some(16)` or `None`.
fn option(value: Option<usize>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The generated code for the fields so far. `record` calls [`field`](Self::field) once for each field.
#[derive(Default)]
struct Expanded {
    /// For each field with bytes in the item, the constant `__PEP3118_<index>`. The constant is a `FieldCursor` with
    /// the offset of the field.
    cursors: Vec<TokenStream>,
    /// For each field in the format, an expression that creates the `FieldLayout` of the field.
    fields: Vec<TokenStream>,
    /// For each field of the struct, the initialiser of the field in `Record::load`.
    values: Vec<TokenStream>,
    /// For each field in the format, a statement in `Record::store` that writes the field.
    stores: Vec<TokenStream>,
    /// The name of the `FieldCursor` of the last field. The generated code computes the offset of the next field from
    /// this cursor.
    previous: TokenStream,
    /// The names of the fields in the format. A repeated name is an error.
    names: Vec<String>,
    /// Whether at least one field has the attribute `skip`.
    skipped: bool,
}

impl Expanded {
    /// Adds the code for `field`, the field with the index `index` in the struct. `repr` contains the attributes
    /// `#[repr(..)]` of the struct, and `whole` contains its attributes `#[record(..)]`. Returns an error if the
    /// attributes of the field are invalid, or if an earlier field has the same name.
    fn field(&mut self, index: usize, field: &syn::Field, repr: &Repr, whole: &StructAttributes) -> Result<()> {
        let attributes = FieldAttributes::of(&field.attrs)?;
        let ty = &field.ty;
        let access = match &field.ident {
            Some(ident) => ident.to_token_stream(),
            None => syn::Index::from(index).to_token_stream(),
        };
        let cursor = format_ident!("__PEP3118_{index}");
        let previous = &self.previous;
        if attributes.skip {
            self.skipped = true;
            self.values.push(quote_spanned!(ty.span()=> #access: <#ty as ::core::default::Default>::default()));
            // A C structure contains the bytes of the skipped field, so the next field starts after these bytes.
            if repr.c {
                self.cursors.push(quote! {
                    const #cursor: ::pep3118::decode::record::FieldCursor = #previous
                        .skip(::core::mem::size_of::<#ty>(), ::core::mem::align_of::<#ty>());
                });
                self.previous = cursor.into_token_stream();
            }
            return Ok(());
        }
        let text = match (&attributes.rename, &field.ident) {
            (Some(rename), _) => Some(rename.value()),
            (None, Some(ident)) => Some(ident.unraw().to_string()),
            (None, None) => None,
        };
        let name = match &text {
            Some(text) => quote!(::core::option::Option::Some(#text)),
            None => quote!(::core::option::Option::None),
        };
        if let Some(text) = text {
            if self.names.contains(&text) {
                let span = attributes.rename.as_ref().map_or_else(|| access.span(), |rename| rename.span());
                return Err(Error::new(span, format!("two fields have the name `{text}`")));
            }
            self.names.push(text);
        }
        let endian = match attributes.endian.or(whole.endian) {
            Some(Endian::Little) => quote!(::core::option::Option::Some(::pep3118::Endian::Little)),
            Some(Endian::Big) => quote!(::core::option::Option::Some(::pep3118::Endian::Big)),
            None => quote!(::core::option::Option::None),
        };
        self.cursors.push(quote_spanned! {ty.span()=>
            const #cursor: ::pep3118::decode::record::FieldCursor = #previous.next::<#ty>();
        });
        self.fields.push(
            quote_spanned!(ty.span()=> ::pep3118::decode::record::FieldLayout::new::<#ty>(#name, #cursor, #endian)),
        );
        self.values.push(quote_spanned! {ty.span()=>
            #access: <#ty as ::pep3118::decode::record::RecordField>::load(__source, __at.wrapping_add(#cursor.offset()))
        });
        // Rust forbids references to fields of a packed struct, so the generated code copies the field first.
        let value = if repr.packed.is_some() { quote!({ self.#access }) } else { quote!(self.#access) };
        self.stores.push(quote_spanned! {ty.span()=>
            <#ty as ::pep3118::decode::record::RecordField>::store(&#value, __target, __at.wrapping_add(#cursor.offset()));
        });
        self.previous = cursor.into_token_stream();
        Ok(())
    }
}
