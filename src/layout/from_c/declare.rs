//! The declarations of C source: [`Resolver`] computes the types that the source declares, and the values of its
//! enumerators.

use std::collections::{BTreeMap, BTreeSet};

use lang_c::ast::{
    ArraySize, Attribute, Declaration, DeclarationSpecifier, Declarator, DeclaratorKind, DerivedDeclarator, EnumType,
    Extension, ExternalDeclaration, PointerQualifier, SpecifierQualifier, StorageClassSpecifier, StructDeclaration,
    StructField, StructKind, StructType, TS18661FloatFormat, TypeName, TypeQualifier, TypeSpecifier,
};
use lang_c::driver::{Config, Flavor, SyntaxError, parse_preprocessed};
use lang_c::span::Node;

use super::constant_value::Value;
use super::error::{CError, quoted};
use super::record::{Member, Rules, place_members, record_type};
use super::source::Prepared;
use super::types::{Base, DeclaredType, Record, builtin, integer};
use crate::abi::{CType, DataModel};
use crate::align::Align;
use crate::format::Limits;
use crate::layout::Type;

/// The largest value of the attribute `aligned` in bytes, which is the limit of GCC.
const MAX_ALIGN: i128 = 1 << 28;

/// Attributes that do not change the layout of a type.
const NEUTRAL_ATTRIBUTES: &[&str] = &[
    "access",
    "alloc_size",
    "always_inline",
    "availability",
    "cdecl",
    "cold",
    "const",
    "counted_by",
    "deprecated",
    "designated_init",
    "dllexport",
    "dllimport",
    "format",
    "hot",
    "leaf",
    "malloc",
    "may_alias",
    "maybe_unused",
    "noinline",
    "nonnull",
    "nonstring",
    "noreturn",
    "nothrow",
    "pure",
    "returns_nonnull",
    "section",
    "stdcall",
    "transparent_union",
    "unavailable",
    "unused",
    "used",
    "visibility",
    "warn_if_not_aligned",
    "warn_unused_result",
    "weak",
];

/// The attributes of a declaration that change its layout.
#[derive(Clone, Copy, Default)]
struct Attributes {
    is_packed: bool,
    aligned: Option<Align>,
}

impl Attributes {
    /// Adds the attributes `other`. If both have an alignment, keeps the larger alignment.
    fn add(&mut self, other: Self) {
        self.is_packed |= other.is_packed;
        self.aligned = self.aligned.max(other.aligned);
    }
}

/// A specifier of a declaration.
enum Specifier<'a> {
    Type(&'a Node<TypeSpecifier>),
    Attributes(&'a [Node<Extension>]),
    /// The qualifier `_Atomic`, with its position.
    Atomic(usize),
}

/// Computes the types that C source declares. In each method, `at` and a *position* are offsets in bytes in
/// `Prepared::text`, for an error message. A method that returns a `Result` returns an error if the source is not valid
/// C, or if the source uses a construct that is not supported.
pub(super) struct Resolver<'p, 's> {
    prepared: &'p Prepared<'s>,
    pub(super) model: &'p DataModel,
    /// The structures, unions and enumerations by their tag.
    tags: BTreeMap<String, DeclaredType>,
    /// The types by the name of their `typedef`.
    typedefs: BTreeMap<String, DeclaredType>,
    /// The enumerators by their name.
    pub(super) constants: BTreeMap<String, Value>,
    /// Whether C does not evaluate the expression that is computed at present.
    pub(super) is_unevaluated: bool,
    /// The structure or union whose declaration ended last.
    last: Option<DeclaredType>,
    /// The first error of a declaration.
    first_error: Option<CError>,
}

impl<'p, 's> Resolver<'p, 's> {
    /// Parses the C source `prepared`, and computes the type of each declaration with the C sizes of `model`. Returns
    /// an error if the source is not valid C. If a declaration has no valid meaning, this function returns no error.
    /// Instead, [`find`](Self::find) returns the error if it does not find the type.
    pub(super) fn new(prepared: &'p Prepared<'s>, model: &'p DataModel) -> Result<Self, CError> {
        let mut resolver = Self {
            prepared,
            model,
            tags: BTreeMap::new(),
            typedefs: BTreeMap::new(),
            constants: BTreeMap::new(),
            is_unevaluated: false,
            last: None,
            first_error: None,
        };
        let unit = parse(&prepared.text).map_err(|error| resolver.syntax_error(&error))?;
        for declaration in unit.0.iter().skip(prepared.prelude) {
            if let ExternalDeclaration::Declaration(declaration) = &declaration.node
                && let Err(error) = resolver.declaration(&declaration.node)
            {
                resolver.first_error.get_or_insert(error);
            }
        }
        Ok(resolver)
    }

    /// Returns the type `name`, or the last structure or union if `name` is `None`. Returns an error if the source
    /// declares no such type, or if the type has no size or is invalid. If the type is not found and a declaration had
    /// an error, returns the first such error.
    pub(super) fn find(&self, name: Option<&str>) -> Result<DeclaredType, CError> {
        let whole = |message: String| CError::new(self.prepared.source, (0, 0), message);
        let found = match name {
            None => self.last.as_ref(),
            Some(name) => {
                let tag = name.strip_prefix("struct ").or_else(|| name.strip_prefix("union ")).map(str::trim);
                match tag {
                    Some(tag) => self.tags.get(tag),
                    None => self.typedefs.get(name).or_else(|| self.tags.get(name)),
                }
            }
        };
        let Some(found) = found else {
            if let Some(error) = &self.first_error {
                return Err(error.clone());
            }
            let Some(name) = name else {
                let message = "the source declares no complete structure".to_owned();
                return Err(whole(message).with_help("declare a structure: `struct tick { int id; };`"));
            };
            let names: BTreeSet<String> =
                self.typedefs.keys().chain(self.tags.keys()).map(|name| quoted(name)).collect();
            let error = whole(format!("the source declares no type {}", quoted(name)));
            let names: Vec<String> = names.into_iter().take(10).collect();
            return Err(if names.is_empty() {
                error
            } else {
                error.with_help(format!("the source declares {}", names.join(", ")))
            });
        };
        let found = self.completed(found);
        match &found.base {
            Base::Invalid(error) => Err(error.clone()),
            Base::Scalar(_) | Base::Bits(_) | Base::Record(_) => Ok(found),
            base => Err(whole(super::types::describe_unsized(base))),
        }
    }

    /// Returns `value`. If `value` is an incomplete structure, union or enumeration of a `typedef`, and the source
    /// declares the type after the `typedef`, returns the declared type.
    fn completed(&self, value: &DeclaredType) -> DeclaredType {
        let tag = match &value.base {
            Base::Incomplete(name) => name.split_once(' ').map(|(_, tag)| tag),
            Base::Scalar(_) | Base::Bits(_) | Base::Void | Base::Function | Base::Record(_) | Base::Invalid(_) => None,
        };
        match tag.and_then(|tag| self.tags.get(tag)) {
            // As in GCC, the attribute `aligned` of the `typedef` can only raise the alignment.
            Some(found) => DeclaredType { align: found.align.max(value.align), ..found.clone() },
            None => value.clone(),
        }
    }

    /// Returns the error `message` about the token at the offset `at` of the prepared source.
    pub(super) fn error(&self, at: usize, message: String) -> CError {
        self.prepared.error(at, message)
    }

    /// Returns the token at the offset `at` of the prepared source, in the spelling of the original source.
    fn token_at(&self, at: usize) -> &'s str {
        let (start, end) = self.prepared.place(at);
        self.prepared.source.get(start..end).unwrap_or_default()
    }

    /// Returns the prepared source from the offset `at` on.
    pub(super) fn text_from(&self, at: usize) -> &'p str {
        self.prepared.text.get(at..).unwrap_or_default()
    }

    /// Converts `error`, a syntax error that the parser found. The result has a help line, and names the unexpected
    /// token unless the source ends too early.
    fn syntax_error(&self, error: &SyntaxError) -> CError {
        let token = self.token_at(error.offset);
        let is_word = token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if token.is_empty() {
            return self.error(error.offset, "the declaration is not complete".to_owned()).with_help("add `;`");
        }
        // A word at a position where a type can start is an unknown type or a macro.
        let is_type_place = error.expected.contains("<typedef_name>") || self.starts_declaration(error.offset);
        if is_word && is_type_place && !super::types::is_type_keyword(token) {
            let help = "declare the type before it is used, or write a type of stdint.h such as `uint16_t`";
            return self.error(error.offset, format!("unknown type {}", quoted(token))).with_help(help);
        }
        let error = self.error(error.offset, format!("unexpected {}", quoted(token)));
        error.with_help("the source must contain C declarations only, for example `struct tick { int id; };`")
    }

    /// Returns whether a type can start at the offset `at`: at the start of the source, after `;`, `{` or `}`, and
    /// after a word such as `typedef`, `const` or `static`.
    fn starts_declaration(&self, at: usize) -> bool {
        let before = self.prepared.text.get(..at).unwrap_or_default().trim_end();
        let last = before.rsplit([' ', '\n']).next().unwrap_or_default();
        matches!(last, "" | ";" | "{" | "}" | "typedef" | "const" | "volatile" | "static" | "extern" | "__extension__")
    }

    /// Records the types that `declaration` declares: tags of structures, unions and enumerations, enumerators, and
    /// names of a `typedef`. If a `typedef` has an error, records the type as invalid and the error as `first_error`.
    fn declaration(&mut self, declaration: &Declaration) -> Result<(), CError> {
        let mut specifiers = Vec::new();
        let mut is_typedef = false;
        for specifier in &declaration.specifiers {
            match &specifier.node {
                DeclarationSpecifier::StorageClass(class) => {
                    is_typedef |= class.node == StorageClassSpecifier::Typedef;
                }
                DeclarationSpecifier::TypeSpecifier(ty) => specifiers.push(Specifier::Type(ty)),
                DeclarationSpecifier::Extension(attributes) => specifiers.push(Specifier::Attributes(attributes)),
                DeclarationSpecifier::TypeQualifier(qualifier) if qualifier.node == TypeQualifier::Atomic => {
                    specifiers.push(Specifier::Atomic(specifier.span.start));
                }
                DeclarationSpecifier::TypeQualifier(_) | DeclarationSpecifier::Function(_) => {}
                DeclarationSpecifier::Alignment(alignment) => {
                    return Err(self.error(alignment.span.start, "`_Alignas` is not expected here".to_owned()));
                }
            }
        }
        let resolved = self.specifiers(&specifiers);
        if !is_typedef {
            let (value, _) = resolved?;
            let name = declaration.declarators.first().map(|declarator| &declarator.node.declarator);
            let has_braces = specifiers.iter().any(|specifier| match specifier {
                Specifier::Type(ty) => matches!(&ty.node, TypeSpecifier::Struct(ty) if ty.node.declarations.is_some()),
                Specifier::Attributes(_) | Specifier::Atomic(_) => false,
            });
            return match (&value.base, name) {
                (Base::Record(_), Some(declarator)) if has_braces && declarator.node.derived.is_empty() => {
                    self.refuse_macro_as_object(declarator)
                }
                // No other declaration of an object affects a layout.
                _ => Ok(()),
            };
        }
        for declarator in &declaration.declarators {
            let declarator = &declarator.node.declarator;
            let declared = resolved.clone().and_then(|(base, attributes)| self.typedef(base, attributes, declarator));
            let Some(name) = declarator_name(&declarator.node) else { continue };
            let value = declared.unwrap_or_else(|error| {
                self.first_error.get_or_insert(error.clone());
                DeclaredType::unsized_type(Base::Invalid(error))
            });
            self.typedefs.insert(name.to_owned(), value);
        }
        resolved.map(|_| ())
    }

    /// Returns an error if the object that `declarator` declares is probably a macro for an attribute, such as
    /// `__packed` in `struct s { int a; } __packed;`. The macro can be in a header that this crate does not read.
    /// Before the function returns the error, it makes the structure an invalid type.
    fn refuse_macro_as_object(&mut self, declarator: &Node<Declarator>) -> Result<(), CError> {
        let Some(name) = declarator_name(&declarator.node) else { return Ok(()) };
        let is_upper = name.len() > 1 && !name.contains(|character: char| character.is_ascii_lowercase());
        if !(is_upper || name.starts_with("__")) {
            return Ok(());
        }
        let error = self.error(declarator.span.start, format!("{} can be a macro for an attribute", quoted(name)));
        let error = error.with_help("write `__attribute__((packed))`, or run the preprocessor first: `cc -E FILE.h`");
        // The layout of the structure is unknown, because the macro can be an attribute.
        let invalid = DeclaredType::unsized_type(Base::Invalid(error.clone()));
        let is_last = |value: &&mut DeclaredType| match (&value.base, self.last.as_ref().map(|last| &last.base)) {
            (Base::Record(record), Some(Base::Record(last))) => std::rc::Rc::ptr_eq(record, last),
            _ => false,
        };
        if let Some(value) = self.tags.values_mut().find(is_last) {
            *value = invalid.clone();
        }
        self.last = Some(invalid);
        Err(error)
    }

    /// Returns the type that `declarator` of a `typedef` declares. `base` is the type of the specifiers, and
    /// `attributes` are the attributes of the specifiers. Returns an error if the declarator has the attribute
    /// `packed`, which has no effect there.
    fn typedef(
        &mut self,
        base: DeclaredType,
        mut attributes: Attributes,
        declarator: &Node<Declarator>,
    ) -> Result<DeclaredType, CError> {
        let mut value = self.declarator(base, declarator, &mut attributes)?;
        if attributes.is_packed {
            let error = self.error(declarator.span.start, "`packed` after the name of a type has no effect".to_owned());
            return Err(error.with_help("write the attribute after the closing brace of the structure"));
        }
        // The attribute of a `typedef` replaces the alignment of the type.
        if let Some(aligned) = attributes.aligned {
            value.align = aligned;
        }
        Ok(value)
    }

    /// Returns the type and the attributes of `specifiers`. Returns an error for invalid or unsupported C.
    // The function calls itself for structures inside structures. `source` limits the depth of braces.
    fn specifiers(&mut self, specifiers: &[Specifier<'_>]) -> Result<(DeclaredType, Attributes), CError> {
        let mut attributes = Attributes::default();
        let mut words = TypeKeywords::default();
        let mut found: Option<DeclaredType> = None;
        let mut place = 0;
        let mut atomic = None;
        let mut index = 0_usize;
        while let Some(specifier) = specifiers.get(index) {
            index = index.saturating_add(1);
            let ty = match specifier {
                Specifier::Type(ty) => ty,
                Specifier::Attributes(extensions) => {
                    attributes.add(self.attributes(extensions)?);
                    continue;
                }
                Specifier::Atomic(at) => {
                    atomic = Some(*at);
                    continue;
                }
            };
            place = ty.span.start;
            // Attributes after the closing brace belong to the structure.
            let mut own: Vec<&[Node<Extension>]> = Vec::new();
            let has_braces = match &ty.node {
                TypeSpecifier::Struct(record) => record.node.declarations.is_some(),
                TypeSpecifier::Enum(enumeration) => !enumeration.node.enumerators.is_empty(),
                _ => false,
            };
            while has_braces && let Some(Specifier::Attributes(extensions)) = specifiers.get(index) {
                own.push(extensions);
                index = index.saturating_add(1);
            }
            let value = match &ty.node {
                TypeSpecifier::Struct(record) => self.record(record, &own)?,
                TypeSpecifier::Enum(enumeration) => self.enumeration(enumeration, &own)?,
                TypeSpecifier::TypedefName(name) => self.named_type(&name.node.name, name.span.start)?,
                TypeSpecifier::Atomic(inner) => {
                    atomic = Some(place);
                    self.type_name(inner)?
                }
                TypeSpecifier::TypeOf(_) => return Err(self.error(place, "`typeof` is not supported".to_owned())),
                word => {
                    if !words.add(word) {
                        return Err(self.error(place, "this combination of type specifiers is not a type".to_owned()));
                    }
                    continue;
                }
            };
            if found.replace(value).is_some() {
                return Err(self.error(place, "a second type in one declaration".to_owned()));
            }
        }
        let value = match found {
            Some(value) if words == TypeKeywords::default() => Some(value),
            Some(_) => None,
            None => words.value(self.model),
        };
        let Some(value) = value else {
            return Err(self.error(place, "this combination of type specifiers is not a type".to_owned()));
        };
        if let Some(at) = atomic {
            // A compiler can align an atomic type more strictly than the type without `_Atomic`.
            let is_natural = matches!(value.base, Base::Scalar(_)) && value.element_size() == Some(value.align.bytes());
            if !is_natural {
                return Err(self.error(at, "the size of this `_Atomic` type depends on the compiler".to_owned()));
            }
        }
        Ok((value, attributes))
    }

    /// Returns the type with the name `name` of a `typedef`. `at` is the position of the name. Returns an error if the
    /// type is unknown, or if its declaration had an error.
    fn named_type(&self, name: &str, at: usize) -> Result<DeclaredType, CError> {
        let value = match self.typedefs.get(name) {
            Some(value) => Some(self.completed(value)),
            None => builtin(name, self.model),
        };
        match value {
            Some(DeclaredType { base: Base::Invalid(error), .. }) => Err(error),
            Some(value) => Ok(value),
            None if name == "__builtin_va_list" => Ok(DeclaredType::unsized_type(Base::Incomplete(name.to_owned()))),
            None => Err(self.error(at, format!("unknown type {}", quoted(name)))),
        }
    }

    /// Returns the type `ty`, which is the operand of a cast, of `sizeof` or of `_Atomic`. Returns an error for invalid
    /// or unsupported C.
    pub(super) fn type_name(&mut self, ty: &Node<TypeName>) -> Result<DeclaredType, CError> {
        // A compiler evaluates the constants of a type in every expression.
        let outer = core::mem::replace(&mut self.is_unevaluated, false);
        let value = self.evaluated_type_name(ty);
        self.is_unevaluated = outer;
        value
    }

    /// Returns the type `ty`, or an error for invalid or unsupported C. Only [`type_name`](Self::type_name) calls this
    /// function, after `type_name` has set `is_unevaluated` to `false`.
    fn evaluated_type_name(&mut self, ty: &Node<TypeName>) -> Result<DeclaredType, CError> {
        let specifiers = qualified(&ty.node.specifiers);
        let (base, mut attributes) = self.specifiers(&specifiers)?;
        let value = match &ty.node.declarator {
            Some(declarator) => self.declarator(base, declarator, &mut attributes)?,
            None => base,
        };
        if attributes.is_packed || attributes.aligned.is_some() {
            return Err(self.error(ty.span.start, "an attribute in a type name is not supported".to_owned()));
        }
        Ok(value)
    }

    /// Returns the type that `declarator` derives from `base`. Adds the attributes of `declarator` to `attributes`.
    /// Returns an error for invalid or unsupported C.
    // The function calls itself for each pair of parentheses. `source` limits their depth.
    fn declarator(
        &mut self,
        base: DeclaredType,
        declarator: &Node<Declarator>,
        attributes: &mut Attributes,
    ) -> Result<DeclaredType, CError> {
        let mut value = base;
        attributes.add(self.attributes(&declarator.node.extensions)?);
        for derived in &declarator.node.derived {
            if let DerivedDeclarator::Pointer(qualifiers) | DerivedDeclarator::Block(qualifiers) = &derived.node {
                for qualifier in qualifiers {
                    if let PointerQualifier::Extension(extensions) = &qualifier.node {
                        let found = self.attributes(extensions)?;
                        if found.is_packed || found.aligned.is_some() {
                            let message = "an attribute after `*` is not supported".to_owned();
                            return Err(self.error(qualifier.span.start, message));
                        }
                    }
                }
                value = self.pointer_to(&value);
            }
        }
        // In `x[2][3]`, the element type has the dimension that is written last.
        for derived in declarator.node.derived.iter().rev() {
            let at = derived.span.start;
            match &derived.node {
                DerivedDeclarator::Pointer(_) | DerivedDeclarator::Block(_) => {}
                DerivedDeclarator::Function(_) | DerivedDeclarator::KRFunction(_) => {
                    value = DeclaredType::unsized_type(Base::Function);
                }
                DerivedDeclarator::Array(array) => {
                    let length = match &array.node.size {
                        ArraySize::Unknown => None,
                        ArraySize::VariableUnknown => {
                            return Err(self.error(at, "an array of variable length".to_owned()));
                        }
                        ArraySize::VariableExpression(length) | ArraySize::StaticExpression(length) => {
                            let number = self.constant(length)?.number;
                            let length = u64::try_from(number)
                                .map_err(|_| self.error(length.span.start, format!("an array of {number} elements")))?;
                            Some(length)
                        }
                    };
                    value = self.array_of(value, length, at)?;
                }
            }
        }
        match &declarator.node.kind.node {
            DeclaratorKind::Declarator(inner) => self.declarator(value, inner, attributes),
            DeclaratorKind::Identifier(_) | DeclaratorKind::Abstract => Ok(value),
        }
    }

    /// Returns the type of a pointer to `target`.
    fn pointer_to(&self, target: &DeclaredType) -> DeclaredType {
        let is_single = target.shape.is_empty();
        let ty = match &target.base {
            Base::Function => Type::Function,
            Base::Incomplete(name) if name == "PyObject" => Type::Object,
            Base::Scalar(scalar) if is_single && scalar.ty == Type::Char => Type::CharPointer,
            Base::Scalar(scalar) if is_single && scalar.ty == Type::Wchar => Type::WcharPointer,
            _ => Type::Pointer,
        };
        DeclaredType::native(ty, self.model.size_of(CType::Pointer), self.model)
    }

    /// Returns the type of an array of `length` elements of the type `element`. `at` is the position of the declarator.
    /// `length` is `None` for an array without a length, such as `int a[]`. Returns an error if `element` has no size,
    /// if its alignment does not divide its size, or if the array is too large or has too many dimensions.
    fn array_of(&self, element: DeclaredType, length: Option<u64>, at: usize) -> Result<DeclaredType, CError> {
        let Some(size) = element.size() else { return Err(self.unsized_error(&element, at)) };
        if element.shape.first() == Some(&None) {
            return Err(self.error(at, "an array of arrays without a length".to_owned()));
        }
        if !element.align.divides(size) {
            let message = format!("elements of {size} bytes cannot be aligned to {} bytes", element.align);
            return Err(self.error(at, message));
        }
        let DeclaredType { base, mut shape, align, is_enum } = element;
        shape.insert(0, length);
        let limit = Limits::DEFAULT.dimensions;
        if shape.len() > limit {
            return Err(self.error(at, format!("more than {limit} dimensions")));
        }
        let value = DeclaredType { base, shape, align, is_enum };
        match value.size() {
            Some(size) if size <= self.model.ssize_max() => Ok(value),
            _ => Err(self.error(at, "the array is too large".to_owned())),
        }
    }

    /// Returns the attributes in `extensions` that change the layout. Returns an error for an unknown attribute, which
    /// could change the layout, and for an attribute with an invalid argument.
    fn attributes(&mut self, extensions: &[Node<Extension>]) -> Result<Attributes, CError> {
        let mut attributes = Attributes::default();
        for extension in extensions {
            let Extension::Attribute(Attribute { name, arguments }) = &extension.node else { continue };
            let at = name.span.start;
            let text = name.node.as_str();
            let bare = text.strip_prefix("__").and_then(|text| text.strip_suffix("__")).unwrap_or(text);
            match (bare, arguments.as_slice()) {
                ("packed", []) => attributes.is_packed = true,
                ("aligned", []) => {
                    let message = "`aligned` without a number depends on the compiler".to_owned();
                    return Err(self.error(at, message).with_help("write the alignment: `aligned(16)`"));
                }
                ("aligned", [argument]) => {
                    let number = self.constant(argument)?.number;
                    // `_Alignas(0)` has no effect.
                    if number == 0 && self.token_at(at).ends_with("lignas") {
                        continue;
                    }
                    let align = u64::try_from(number).ok().filter(|_| number <= MAX_ALIGN).and_then(Align::new);
                    let Some(align) = align else {
                        let message = format!("an alignment of {number} bytes");
                        let help = "an alignment is a power of two: `aligned(16)`";
                        return Err(self.error(argument.span.start, message).with_help(help));
                    };
                    attributes.aligned = attributes.aligned.max(Some(align));
                }
                (bare, _) if NEUTRAL_ATTRIBUTES.contains(&bare) => {}
                _ => return Err(self.error(at, format!("the attribute {} is not supported", quoted(text)))),
            }
        }
        Ok(attributes)
    }

    /// Returns the type of the structure or union `record`, and records its tag. Without a member list, the type is the
    /// declared type with this tag, or a type without a size. `extensions` are the attributes after the closing brace.
    /// Returns an error for invalid or unsupported C.
    fn record(&mut self, record: &Node<StructType>, extensions: &[&[Node<Extension>]]) -> Result<DeclaredType, CError> {
        let StructType { kind, identifier, declarations } = &record.node;
        let tag = identifier.as_ref().map(|identifier| identifier.node.name.as_str());
        let keyword = if kind.node == StructKind::Union { "union" } else { "struct" };
        let Some(declarations) = declarations else {
            let tag = tag.unwrap_or_default();
            return match self.tags.get(tag) {
                Some(DeclaredType { base: Base::Invalid(error), .. }) => Err(error.clone()),
                Some(value) => Ok(value.clone()),
                None => Ok(DeclaredType::unsized_type(Base::Incomplete(format!("{keyword} {tag}")))),
            };
        };
        let placed = self.place(record, declarations, kind.node == StructKind::Union, extensions);
        let value = match &placed {
            Ok(value) => value.clone(),
            Err(error) => DeclaredType::unsized_type(Base::Invalid(error.clone())),
        };
        self.last = Some(value.clone());
        if let Some(tag) = tag {
            if let Some(known) = self.tags.get(tag)
                && !matches!(known.base, Base::Invalid(_))
            {
                let at = identifier.as_ref().map_or(record.span.start, |identifier| identifier.span.start);
                let error = self.error(at, format!("a second declaration of {}", quoted(tag)));
                self.last = Some(DeclaredType::unsized_type(Base::Invalid(error.clone())));
                return Err(error);
            }
            self.tags.insert(tag.to_owned(), value);
        }
        placed
    }

    /// Returns the type of the structure `record`, or of the union `record` if `is_union` is `true`. `declarations` are
    /// the declarations of the members, and `extensions` are the attributes after the closing brace. Returns an error
    /// for invalid or unsupported C.
    fn place(
        &mut self,
        record: &Node<StructType>,
        declarations: &[Node<StructDeclaration>],
        is_union: bool,
        extensions: &[&[Node<Extension>]],
    ) -> Result<DeclaredType, CError> {
        let mut attributes = Attributes::default();
        for extensions in extensions {
            attributes.add(self.attributes(extensions)?);
        }
        let mut members: Vec<Member> = Vec::new();
        // For each member, the offset in the prepared source.
        let mut places: Vec<usize> = Vec::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        for declaration in declarations {
            let StructDeclaration::Field(field) = &declaration.node else { continue };
            self.members(&field.node, attributes.is_packed, &mut members, &mut places, &mut names)?;
            if members.len() > Limits::DEFAULT.items {
                let message = format!("more than {} members", Limits::DEFAULT.items);
                return Err(self.error(declaration.span.start, message));
            }
        }
        let at = record.span.start;
        if members.is_empty() {
            return Err(self.error(at, "a structure without members, whose size depends on the compiler".to_owned()));
        }
        let last = members.len().saturating_sub(1);
        for (index, (member, place)) in members.iter().zip(&places).enumerate() {
            if member.ty.shape.first() == Some(&None) && (is_union || index != last || last == 0) {
                let message = "an array without a length must be the last of several members".to_owned();
                return Err(self.error(*place, message));
            }
        }
        let pack = self.prepared.pack_at(record.span.end);
        let rules = Rules { model: self.model, is_union, pack, aligned: attributes.aligned };
        let placed = place_members(members, &rules)
            .map_err(|(index, message)| self.error(places.get(index).copied().unwrap_or(at), message))?;
        let limit = Limits::DEFAULT.depth;
        if placed.depth >= limit {
            return Err(self.error(at, format!("more than {limit} structures inside each other")));
        }
        Ok(record_type(placed))
    }

    /// Adds the members that `field` declares to `members`, and the position of each member to `places`. `is_packed` is
    /// `true` if the structure has the attribute `packed`. `names` contains the names of all members so far. Returns an
    /// error for invalid or unsupported C.
    fn members(
        &mut self,
        field: &StructField,
        is_packed: bool,
        members: &mut Vec<Member>,
        places: &mut Vec<usize>,
        names: &mut BTreeSet<String>,
    ) -> Result<(), CError> {
        let specifiers = qualified(&field.specifiers);
        let (base, shared) = self.specifiers(&specifiers)?;
        if field.declarators.is_empty() {
            // A structure with a tag declares only the tag: `struct s { struct t { int a; }; };`.
            let anonymous = field.specifiers.iter().find_map(|specifier| match &specifier.node {
                SpecifierQualifier::TypeSpecifier(ty) => match &ty.node {
                    TypeSpecifier::Struct(record) if record.node.identifier.is_none() => Some(ty.span.start),
                    _ => None,
                },
                _ => None,
            });
            if let (Some(at), Base::Record(record)) = (anonymous, &base.base) {
                self.reserve_names(record, names, at)?;
                let is_packed = is_packed || shared.is_packed;
                members.push(Member { name: None, ty: base, bits: None, is_packed, aligned: shared.aligned });
                places.push(at);
            }
            return Ok(());
        }
        for declarator in &field.declarators {
            let at = declarator.span.start;
            let mut attributes = shared;
            let (name, place, ty) = match &declarator.node.declarator {
                Some(declared) => {
                    let ty = self.declarator(base.clone(), declared, &mut attributes)?;
                    (declarator_name(&declared.node).map(str::to_owned), declared.span.start, ty)
                }
                None => (None, at, base.clone()),
            };
            if ty.size().is_none() {
                return Err(self.unsized_error(&ty, place));
            }
            if let Some(name) = &name
                && !names.insert(name.clone())
            {
                return Err(self.error(place, format!("two members have the name {}", quoted(name))));
            }
            let bits = match &declarator.node.bit_width {
                None => None,
                Some(width) => {
                    let number = self.constant(width)?.number;
                    Some(self.bit_width(number, &ty, name.is_some(), width.span.start)?)
                }
            };
            let is_packed = is_packed || attributes.is_packed;
            members.push(Member { name, ty, bits, is_packed, aligned: attributes.aligned });
            places.push(place);
        }
        Ok(())
    }

    /// Returns `number` as the width in bits of a bit-field of the type `ty`. `has_name` is `true` if the bit-field has
    /// a name. `at` is the position of the width. Returns an error if `ty` is not an integer type, if the type has
    /// fewer than `number` bits, or if a bit-field with a name has 0 bits.
    fn bit_width(&self, number: i128, ty: &DeclaredType, has_name: bool, at: usize) -> Result<u64, CError> {
        let bits = match &ty.base {
            Base::Scalar(scalar) if ty.shape.is_empty() => match scalar.ty {
                Type::Bool => 1,
                Type::Char
                | Type::Int8
                | Type::UInt8
                | Type::Int16
                | Type::UInt16
                | Type::Int32
                | Type::UInt32
                | Type::Int64
                | Type::UInt64
                | Type::Wchar
                | Type::Ucs2
                | Type::Ucs4
                    if scalar.endian == self.model.endian =>
                {
                    scalar.size.saturating_mul(8)
                }
                _ => return Err(self.error(at, "a bit-field must have an integer type".to_owned())),
            },
            _ => return Err(self.error(at, "a bit-field must have an integer type".to_owned())),
        };
        match u64::try_from(number) {
            Ok(0) if has_name => Err(self.error(at, "a bit-field of 0 bits has no name".to_owned())),
            Ok(width) if width <= bits => Ok(width),
            _ => Err(self.error(at, format!("a bit-field of {number} bits in a type of {bits} bits"))),
        }
    }

    /// Adds the names of the members of the anonymous structure `record` to `names`. `at` is the position of the
    /// structure. Returns an error if `names` already contains one of these names.
    // The function calls itself for anonymous structures. `source` limits the depth of braces.
    fn reserve_names(&self, record: &Record, names: &mut BTreeSet<String>, at: usize) -> Result<(), CError> {
        for member in &record.members {
            match (&member.name, &member.ty.base) {
                (Some(name), _) if !names.insert(name.clone()) => {
                    return Err(self.error(at, format!("two members have the name {}", quoted(name))));
                }
                (None, Base::Record(inner)) => self.reserve_names(inner, names, at)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the type of `enumeration`, and records its tag and its enumerators. If `enumeration` has no list of
    /// enumerators, returns the declared type with this tag. If no type with this tag is declared, returns a type
    /// without a size. `extensions` are the attributes after the closing brace. Returns an error for invalid or
    /// unsupported C.
    fn enumeration(
        &mut self,
        enumeration: &Node<EnumType>,
        extensions: &[&[Node<Extension>]],
    ) -> Result<DeclaredType, CError> {
        let EnumType { identifier, enumerators } = &enumeration.node;
        let tag = identifier.as_ref().map(|identifier| identifier.node.name.as_str());
        let at = enumeration.span.start;
        if enumerators.is_empty() {
            let tag = tag.unwrap_or_default();
            return match self.tags.get(tag) {
                Some(DeclaredType { base: Base::Invalid(error), .. }) => Err(error.clone()),
                Some(value) => Ok(value.clone()),
                None => Ok(DeclaredType::unsized_type(Base::Incomplete(format!("enum {tag}")))),
            };
        }
        for extensions in extensions {
            let attributes = self.attributes(extensions)?;
            if attributes.is_packed || attributes.aligned.is_some() {
                return Err(self.error(at, "an enumeration with `packed` or `aligned` is not supported".to_owned()));
            }
        }
        let (mut next, mut min, mut max) = (0_i128, 0_i128, 0_i128);
        // The names of the enumerators whose values do not fit the type `int`.
        let mut large: Vec<&str> = Vec::new();
        for enumerator in enumerators {
            let number = match &enumerator.node.expression {
                Some(expression) => self.constant(expression)?.number,
                None => next,
            };
            let name = &enumerator.node.identifier;
            if self.constants.insert(name.node.name.clone(), Value::enumerator(number)).is_some() {
                let message = format!("a second declaration of {}", quoted(&name.node.name));
                return Err(self.error(name.span.start, message));
            }
            if i32::try_from(number).is_err() {
                large.push(&name.node.name);
            }
            (min, max) = (min.min(number), max.max(number));
            next = number.saturating_add(1);
        }
        // GCC and Clang choose `unsigned int` for an enumeration without negative values.
        let value = match (min < 0, i32::try_from(min), i32::try_from(max), u32::try_from(max), i64::try_from(max)) {
            (true, Ok(_), Ok(_), ..) => integer(4, true, self.model),
            (false, _, _, Ok(_), _) => integer(4, false, self.model),
            (true, .., Ok(_)) => integer(8, true, self.model),
            (false, ..) if max <= i128::from(u64::MAX) => integer(8, false, self.model),
            _ => return Err(self.error(at, "no integer type has all values of the enumeration".to_owned())),
        };
        let value = DeclaredType { is_enum: true, ..value };
        // After the closing brace, these enumerators have the type of the enumeration.
        for name in large {
            let bits = if value.element_size() == Some(8) { 64 } else { 32 };
            if let Some(enumerator) = self.constants.get_mut(name) {
                (enumerator.bits, enumerator.is_signed) = (bits, min < 0);
            }
        }
        if let Some(tag) = tag {
            self.tags.insert(tag.to_owned(), value.clone());
        }
        Ok(value)
    }
}

/// Parses `text`, C source without preprocessor directives, as GNU C11. Returns an error at the first token that does
/// not follow the syntax.
fn parse(text: &str) -> Result<lang_c::ast::TranslationUnit, SyntaxError> {
    let config = Config { flavor: Flavor::GnuC11, ..Config::with_gcc() };
    parse_preprocessed(&config, text.to_owned()).map(|parsed| parsed.unit)
}

/// Converts `specifiers`, the specifiers of a member or of a type name, to the [`Specifier`]s of a declaration.
fn qualified(specifiers: &[Node<SpecifierQualifier>]) -> Vec<Specifier<'_>> {
    let convert = |specifier: &'_ Node<SpecifierQualifier>| match &specifier.node {
        SpecifierQualifier::TypeQualifier(qualifier) if qualifier.node == TypeQualifier::Atomic => {
            Some(specifier.span.start)
        }
        _ => None,
    };
    let mut out = Vec::new();
    for specifier in specifiers {
        match &specifier.node {
            SpecifierQualifier::TypeSpecifier(ty) => out.push(Specifier::Type(ty)),
            SpecifierQualifier::Extension(extensions) => out.push(Specifier::Attributes(extensions)),
            SpecifierQualifier::TypeQualifier(_) => out.extend(convert(specifier).map(Specifier::Atomic)),
        }
    }
    out
}

/// Returns the name that `declarator` declares. Returns `None` for a declarator without a name.
// The function calls itself for each pair of parentheses. `source` limits their depth.
fn declarator_name(declarator: &Declarator) -> Option<&str> {
    match &declarator.kind.node {
        DeclaratorKind::Identifier(name) => Some(&name.node.name),
        DeclaratorKind::Declarator(inner) => declarator_name(&inner.node),
        DeclaratorKind::Abstract => None,
    }
}

/// The keywords of an arithmetic type, such as `unsigned long int`.
#[derive(Default, PartialEq, Eq)]
struct TypeKeywords {
    /// The type of the keyword `char`, `_Bool`, `float`, `double`, `_Float16`, `_Float32` or `_Float64`.
    base: Option<Type>,
    is_int: bool,
    is_void: bool,
    shorts: u8,
    longs: u8,
    signed: u8,
    unsigned: u8,
    is_complex: bool,
}

impl TypeKeywords {
    /// Adds the keyword `word`. Returns `false` if `word` is not a keyword of an arithmetic type or `void`, or if no
    /// type has `word` so often. [`value`](Self::value) detects all other wrong combinations.
    fn add(&mut self, word: &TypeSpecifier) -> bool {
        let base = match word {
            TypeSpecifier::Void => return !core::mem::replace(&mut self.is_void, true),
            TypeSpecifier::Int => return !core::mem::replace(&mut self.is_int, true),
            TypeSpecifier::Complex => return !core::mem::replace(&mut self.is_complex, true),
            TypeSpecifier::Short => {
                self.shorts = self.shorts.saturating_add(1);
                return self.shorts == 1;
            }
            TypeSpecifier::Long => {
                self.longs = self.longs.saturating_add(1);
                return self.longs <= 2;
            }
            TypeSpecifier::Signed => {
                self.signed = self.signed.saturating_add(1);
                return self.signed == 1;
            }
            TypeSpecifier::Unsigned => {
                self.unsigned = self.unsigned.saturating_add(1);
                return self.unsigned == 1;
            }
            TypeSpecifier::Char => Type::Char,
            TypeSpecifier::Bool => Type::Bool,
            TypeSpecifier::Float => Type::Float32,
            TypeSpecifier::Double => Type::Float64,
            TypeSpecifier::TS18661Float(float) => match (&float.format, float.width) {
                (TS18661FloatFormat::BinaryInterchange, 16) => Type::Float16,
                (TS18661FloatFormat::BinaryInterchange, 32) => Type::Float32,
                (TS18661FloatFormat::BinaryInterchange, 64) => Type::Float64,
                _ => return false,
            },
            _ => return false,
        };
        self.base.replace(base).is_none()
    }

    /// Returns the type of the combination of keywords, with the C sizes of `model`. Returns `None` if the combination
    /// is not a type.
    fn value(&self, model: &DataModel) -> Option<DeclaredType> {
        let has_sign = self.signed > 0 || self.unsigned > 0;
        let is_signed = self.unsigned == 0;
        if self.signed > 0 && self.unsigned > 0 {
            return None;
        }
        if self.is_void {
            return (*self == Self { is_void: true, ..Self::default() })
                .then(|| DeclaredType::unsized_type(Base::Void));
        }
        let Some(base) = self.base else {
            let ctype = match (self.shorts, self.longs) {
                (1, 0) => CType::Short,
                (0, 1) => CType::Long,
                (0, 2) => CType::LongLong,
                (0, 0) if self.is_int || has_sign => CType::Int,
                _ => return None,
            };
            return (!self.is_complex).then(|| integer(model.size_of(ctype), is_signed, model));
        };
        if self.is_int || self.shorts > 0 {
            return None;
        }
        let (ty, size) = match (base, self.longs, has_sign, self.is_complex) {
            (Type::Char, 0, true, false) => return Some(integer(1, is_signed, model)),
            (Type::Char | Type::Bool, 0, false, false) => (base, 1),
            (Type::Float16, 0, false, false) => (base, 2),
            (Type::Float32, 0, false, false) => (base, 4),
            (Type::Float64, 0, false, false) => (base, 8),
            (Type::Float64, 1, false, false) => (Type::LongDouble, model.size_of(CType::LongDouble)),
            (Type::Float16, 0, false, true) => (Type::Complex32, 4),
            (Type::Float32, 0, false, true) => (Type::Complex64, 8),
            (Type::Float64, 0, false, true) => (Type::Complex128, 16),
            (Type::Float64, 1, false, true) => {
                (Type::ComplexLongDouble, model.size_of(CType::LongDouble).checked_mul(2)?)
            }
            _ => return None,
        };
        Some(DeclaredType::native(ty, size, model))
    }
}
