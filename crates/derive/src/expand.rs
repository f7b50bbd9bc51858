//! A struct to its impl of `Record`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Data, DataStruct, DeriveInput, Error, Fields, Result};

use crate::attributes::{Member, Order, Repr, Whole};

/// The impl. What it computes from the types of fields it leaves to constants: a macro sees no types.
pub(crate) fn record(input: &DeriveInput) -> Result<TokenStream> {
    let data = structure(input)?;
    if let Some(lifetime) = input.generics.lifetimes().next() {
        let wrong = "a record borrows nothing: its values are copied out of the items";
        return Err(Error::new_spanned(lifetime, wrong));
    }
    if !input.generics.params.is_empty() {
        let wrong = "a record has no parameters: its format is one string, known when it is compiled";
        return Err(Error::new_spanned(&input.generics, wrong));
    }
    let repr = Repr::of(&input.attrs)?;
    let whole = Whole::of(&input.attrs)?;
    if let Some(plain) = whole.plain.as_ref().filter(|_| !repr.c) {
        return Err(Error::new_spanned(plain, "`plain` asks for `repr(C)`: items are copied as they lie"));
    }
    let name = &input.ident;
    let mut parts = Parts::default();
    let packed = option(repr.packed);
    parts.previous = quote!(::pep3118::decode::record::FieldCursor::start(#packed));
    for (index, field) in data.fields.iter().enumerate() {
        parts.field(index, field, &repr, &whole)?;
    }
    if parts.fields.is_empty() {
        return Err(Error::new_spanned(name, "a record has at least one field"));
    }
    let Parts { places, fields, values, stores, previous, skipped, .. } = parts;
    let (align, c) = (option(repr.align), repr.c && !skipped);
    if let Some(plain) = whole.plain.as_ref().filter(|_| skipped) {
        return Err(Error::new_spanned(plain, "`plain` copies whole items, so no field can be skipped"));
    }
    let load_all = match whole.plain {
        // The bound fails at the word that asks for it.
        Some(plain) => quote_spanned! {plain.span()=>
            ::pep3118::decode::record::load_plain::<Self>(__items, __records)
        },
        // Asked of the compiler, which knows the types.
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
                fn store<__R: ::pep3118::decode::record::RecordWriter>(&self, __room: &mut __R, __at: ::core::primitive::usize) {
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
            Fields::Unit => Err(Error::new_spanned(&input.ident, "a record has at least one field")),
            _ => Ok(data),
        },
        Data::Enum(data) => Err(Error::new_spanned(
            data.enum_token,
            "a record is a struct: an enum has bytes that are none of its values",
        )),
        Data::Union(data) => {
            Err(Error::new_spanned(data.union_token, "a record is a struct: a union has no fields side by side"))
        }
    }
}

fn option(value: Option<usize>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

#[derive(Default)]
struct Parts {
    /// A constant for each field: where it lies.
    places: Vec<TokenStream>,
    fields: Vec<TokenStream>,
    values: Vec<TokenStream>,
    stores: Vec<TokenStream>,
    /// The place of the last field.
    previous: TokenStream,
    names: Vec<String>,
    /// Whether a field is skipped.
    skipped: bool,
}

impl Parts {
    fn field(&mut self, index: usize, field: &syn::Field, repr: &Repr, whole: &Whole) -> Result<()> {
        let member = Member::of(&field.attrs)?;
        let ty = &field.ty;
        let access = match &field.ident {
            Some(ident) => ident.to_token_stream(),
            None => syn::Index::from(index).to_token_stream(),
        };
        let place = format_ident!("__PEP3118_{index}");
        let previous = &self.previous;
        if member.skip {
            self.skipped = true;
            self.values.push(quote_spanned!(ty.span()=> #access: <#ty as ::core::default::Default>::default()));
            // Only where the struct lies as C has it are the bytes of the field there to be skipped.
            if repr.c {
                self.places.push(quote! {
                    const #place: ::pep3118::decode::record::FieldCursor = #previous
                        .skip(::core::mem::size_of::<#ty>(), ::core::mem::align_of::<#ty>());
                });
                self.previous = place.into_token_stream();
            }
            return Ok(());
        }
        let text = match (&member.rename, &field.ident) {
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
                let span = member.rename.as_ref().map_or_else(|| access.span(), |rename| rename.span());
                return Err(Error::new(span, format!("two fields are named `{text}`")));
            }
            self.names.push(text);
        }
        let endian = match member.endian.or(whole.endian) {
            Some(Order::Little) => quote!(::core::option::Option::Some(::pep3118::Endian::Little)),
            Some(Order::Big) => quote!(::core::option::Option::Some(::pep3118::Endian::Big)),
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
        // There are no references to the fields of a packed struct, so their values are copied out.
        let value = if repr.packed.is_some() { quote!({ self.#access }) } else { quote!(self.#access) };
        self.stores.push(quote_spanned! {ty.span()=>
            <#ty as ::pep3118::decode::record::RecordField>::store(&#value, __room, __at.wrapping_add(#place.offset()));
        });
        self.previous = place.into_token_stream();
        Ok(())
    }
}
