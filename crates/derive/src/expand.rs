//! The implementation of `Record` for a struct.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Data, DataStruct, DeriveInput, Error, Fields, Result};

use crate::attributes::{Endian, FieldAttributes, Repr, StructAttributes};

/// Expands to `impl Record`. A macro has no access to types, so constants in the generated code compute offsets and
/// sizes.
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
    let Expanded { places, fields, values, stores, previous, skipped, .. } = expanded;
    let (align, c) = (option(repr.align), repr.c && !skipped);
    if let Some(plain) = attributes.plain.as_ref().filter(|_| skipped) {
        return Err(Error::new_spanned(plain, "`plain` copies whole items, so no field can be skipped"));
    }
    let load_all = match attributes.plain {
        // With the span of `plain`, to which the compiler points if the struct is not `AnyBitPattern`.
        Some(plain) => quote_spanned! {plain.span()=>
            ::pep3118::decode::record::load_plain::<Self>(__items, __records)
        },
        // Method resolution prefers `ByCopy`, which is implemented for structs whose items can be copied.
        None => quote! {
            use ::pep3118::decode::record::{ByCopy as _, ByField as _};
            (&::pep3118::decode::record::LoadSelector::<Self>::new()).load_all(__items, __records)
        },
    };
    Ok(quote! {
        #[automatically_derived]
        const _: () = {
            #(#places)*
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

fn option(value: Option<usize>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The generated code for the fields so far.
#[derive(Default)]
struct Expanded {
    /// A constant with the place of each field.
    places: Vec<TokenStream>,
    /// The `FieldLayout` of each field of the format.
    fields: Vec<TokenStream>,
    /// The initialiser of each field of the struct.
    values: Vec<TokenStream>,
    /// The statement that writes each field of the format.
    stores: Vec<TokenStream>,
    /// The place of the last field.
    previous: TokenStream,
    /// The names in the format.
    names: Vec<String>,
    /// Whether a field is skipped.
    skipped: bool,
}

impl Expanded {
    fn field(&mut self, index: usize, field: &syn::Field, repr: &Repr, whole: &StructAttributes) -> Result<()> {
        let attributes = FieldAttributes::of(&field.attrs)?;
        let ty = &field.ty;
        let access = match &field.ident {
            Some(ident) => ident.to_token_stream(),
            None => syn::Index::from(index).to_token_stream(),
        };
        let place = format_ident!("__PEP3118_{index}");
        let previous = &self.previous;
        if attributes.skip {
            self.skipped = true;
            self.values.push(quote_spanned!(ty.span()=> #access: <#ty as ::core::default::Default>::default()));
            // Items have bytes for the skipped field if the struct has the layout of C.
            if repr.c {
                self.places.push(quote! {
                    const #place: ::pep3118::decode::record::FieldCursor = #previous
                        .skip(::core::mem::size_of::<#ty>(), ::core::mem::align_of::<#ty>());
                });
                self.previous = place.into_token_stream();
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
        self.places.push(quote_spanned! {ty.span()=>
            const #place: ::pep3118::decode::record::FieldCursor = #previous.next::<#ty>();
        });
        self.fields.push(
            quote_spanned!(ty.span()=> ::pep3118::decode::record::FieldLayout::new::<#ty>(#name, #place, #endian)),
        );
        self.values.push(quote_spanned! {ty.span()=>
            #access: <#ty as ::pep3118::decode::record::RecordField>::load(__source, __at.wrapping_add(#place.offset()))
        });
        // References to fields of a packed struct are an error, so the value is copied.
        let value = if repr.packed.is_some() { quote!({ self.#access }) } else { quote!(self.#access) };
        self.stores.push(quote_spanned! {ty.span()=>
            <#ty as ::pep3118::decode::record::RecordField>::store(&#value, __target, __at.wrapping_add(#place.offset()));
        });
        self.previous = place.into_token_stream();
        Ok(())
    }
}
