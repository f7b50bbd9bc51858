"""A plugin for mypy that adds the fields and the methods of record classes.

Add `plugins = ["pep3118.mypy"]` to the configuration of mypy. Without the plugin, mypy refuses arrays such as
`char[8]`, because a number is not a type. It also refuses the argument `order` of `record`, because `dataclass` has an
argument `order` of another type. For `Row = Record.from_c("struct row { uint32_t id; };")`, the plugin reads the C
source, and adds the class `Row` with its fields.
"""

from collections.abc import Callable
from functools import partial

from mypy.mro import calculate_mro
from mypy.nodes import (
    GDEF,
    MDEF,
    AssignmentStmt,
    CallExpr,
    DataclassTransformSpec,
    NameExpr,
    StrExpr,
    SymbolTableNode,
    TempNode,
    TypeInfo,
    Var,
)
from mypy.plugin import (
    AnalyzeTypeContext,
    ClassDefContext,
    DynamicClassDefContext,
    Plugin,
    SemanticAnalyzerPluginInterface,
)
from mypy.plugins.dataclasses import DataclassTransformer, add_dataclass_tag
from mypy.types import AnyType, Instance, RawExpressionType, Type, TypeOfAny

from ._pep3118 import Field
from .records import Record, _attribute_name

_MODULE = "pep3118.records"

# For each field type, the type of its values. The last dimension of a string type is the length of the string.
_NUMBERS = {
    **dict.fromkeys("i8 u8 i16 u16 i32 u32 i64 u64 isize usize".split(), "int"),
    **dict.fromkeys("f16 f32 f64".split(), "float"),
    **dict.fromkeys("complex64 complex128".split(), "complex"),
    "bool_": "bool",
}
_STRINGS = {"char": "bytes", "wchar": "str", "ucs2": "str", "ucs4": "str"}


def _field_type(context: AnalyzeTypeContext, value: str, is_string: bool) -> Type:
    """Returns the type of the values of a field.

    `value` is the name of the type of one element. `is_string` is true if the last dimension is the length of a string.
    Reports an error to mypy for a dimension that is not an integer.
    """
    lengths = context.type.args
    result: Type = context.api.named_type(f"builtins.{value}", [])
    for length in lengths:
        if not isinstance(length, RawExpressionType) or not isinstance(length.literal_value, int):
            context.api.fail(f"the dimensions of {context.type.name}[...] are integers", length)
    for _ in lengths[is_string:]:
        result = context.api.named_type("builtins.list", [result])
    return result


def _bit_field_type(context: AnalyzeTypeContext) -> Type:
    """Returns the type of the values of a bit-field `bits[u32, 5]`: the type of the values of `u32`.

    For any other arguments, reports an error to mypy and returns `int`.
    """
    arguments = context.type.args
    width = arguments[-1] if arguments else context.type
    if len(arguments) == 2 and isinstance(width, RawExpressionType) and isinstance(width.literal_value, int):
        return context.api.analyze_type(arguments[0])
    context.api.fail("bits[...] has an integer type and a number of bits", width)
    return context.api.named_type("builtins.int", [])


def _tag(context: ClassDefContext) -> None:
    """Marks the decorated class as a dataclass, so that mypy collects its fields.

    mypy calls this hook before it analyzes the body.
    """
    add_dataclass_tag(context.cls.info)


def _tag_derived(context: ClassDefContext) -> None:
    """Marks a class derived from `Record` as a dataclass, and removes the argument `order` of its class statement.

    The argument `order` of `dataclass` has another type.
    """
    context.cls.keywords.pop("order", None)
    add_dataclass_tag(context.cls.info)


def _complete(context: ClassDefContext) -> bool:
    """Adds the base class `Record` and the methods that depend on the fields.

    Returns False if mypy must call the hook again.
    """
    info, reason = context.cls.info, context.reason
    if not info.has_base(f"{_MODULE}.Record"):
        record = context.api.named_type_or_none(f"{_MODULE}.Record", [])
        if record is None:
            return False
        info.bases = [base for base in info.bases if base.type.fullname != "builtins.object"] + [record]
        info.mro = []
        calculate_mro(info)
    if isinstance(reason, CallExpr):
        kept = [number for number, name in enumerate(reason.arg_names) if name != "order"]
        copy = CallExpr(
            reason.callee,
            [reason.args[number] for number in kept],
            [reason.arg_kinds[number] for number in kept],
            [reason.arg_names[number] for number in kept],
        )
        copy.set_line(reason)
        reason = copy
    spec = DataclassTransformSpec(frozen_default=True)
    return DataclassTransformer(context.cls, reason, spec, context.api).transform()


# For the start of the name of a type in a layout, the type of its values.
_VALUES = {
    "bool": "bool",
    "int": "int",
    "uint": "int",
    "pointer": "int",
    "float": "float",
    "longdouble": "float",
    "complex": "complex",
    "char": "bytes",
    "bytes": "bytes",
    "ucs": "str",
    "wchar": "str",
}


def _value_type(api: SemanticAnalyzerPluginInterface, field: Field, nested: TypeInfo | None) -> Type:
    """Returns the type of the values of `field`. `nested` is the class of a field that is a record."""
    type = field.bits[0] if field.bits else field.type
    value = next((value for start, value in _VALUES.items() if type.startswith(start)), None)
    result: Type = AnyType(TypeOfAny.special_form)
    if nested is not None:
        result = Instance(nested, [])
    elif value is not None:
        result = api.named_type(f"builtins.{value}", [])
    for _ in field.shape:
        result = api.named_type("builtins.list", [result])
    return result


def _add_members(api: SemanticAnalyzerPluginInterface, info: TypeInfo, fields: tuple[Field, ...]) -> None:
    """Adds the attributes and the constructor of a record class with the fields `fields` to `info`."""
    for number, field in enumerate(fields):
        name = _attribute_name(field.name, number)
        nested = None
        if field.type == "record":
            nested = api.basic_new_typeinfo(f"_{name}", info.bases[0], info.line)
            nested._fullname = nested.defn.fullname = f"{info.fullname}._{name}"
            _add_members(api, nested, field.fields)
            info.names[f"_{name}"] = SymbolTableNode(MDEF, nested, plugin_generated=True)
        value = _value_type(api, field, nested)
        attribute = Var(name, value)
        attribute.info = info
        attribute._fullname = f"{info.fullname}.{name}"
        info.names[name] = SymbolTableNode(MDEF, attribute, plugin_generated=True)
        # The declaration `name: value`, from which mypy makes a parameter of the constructor.
        declaration = AssignmentStmt([NameExpr(name)], TempNode(value, no_rhs=True), value, new_syntax=True)
        info.defn.defs.body.append(declaration)
    DataclassTransformer(info.defn, info.defn, DataclassTransformSpec(frozen_default=True), api).transform()


def _class_of_c(context: DynamicClassDefContext) -> None:
    """Adds the class for `Row = Record.from_c("struct row { ... };")`.

    Does nothing if an argument is not a literal, or if the source has an error. The attributes then have the type Any.
    """
    api, call = context.api, context.call
    arguments = {}
    for position, (value, name) in enumerate(zip(call.args, call.arg_names, strict=True)):
        if not isinstance(value, StrExpr):
            return
        arguments[name or ("source", "name")[position]] = value.value
    base = api.named_type_or_none(f"{_MODULE}.Record", [])
    if base is None:
        return
    try:
        fields = Record.from_c(**arguments).__pep3118_format__.fields
    except (TypeError, ValueError):
        return
    info = api.basic_new_typeinfo(context.name, base, call.line)
    _add_members(api, info, fields)
    api.add_symbol_table_node(context.name, SymbolTableNode(GDEF, info, plugin_generated=True))


class RecordPlugin(Plugin):
    """The hooks of the plugin."""

    def get_dynamic_class_hook(self, fullname: str) -> Callable[[DynamicClassDefContext], None] | None:
        """Returns the hook for an assignment of `Record.from_c(...)`."""
        return _class_of_c if fullname == f"{_MODULE}.Record.from_c" else None

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """Returns the hook for a field type such as `u16`, or None for any other name."""
        module, _, name = fullname.rpartition(".")
        if module != _MODULE:
            return None
        if name == "bits":
            return _bit_field_type
        if name in _STRINGS:
            return partial(_field_type, value=_STRINGS[name], is_string=True)
        if name in _NUMBERS:
            return partial(_field_type, value=_NUMBERS[name], is_string=False)
        return None

    def get_class_decorator_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Returns the hook that mypy calls before it analyzes the body of a class with the decorator `record`."""
        return _tag if fullname == f"{_MODULE}.record" else None

    def get_class_decorator_hook_2(self, fullname: str) -> Callable[[ClassDefContext], bool] | None:
        """Returns the hook that mypy calls after it has analyzed the body of a class with the decorator `record`."""
        return _complete if fullname == f"{_MODULE}.record" else None

    def get_base_class_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Returns the hook for a class derived from `Record`."""
        return _tag_derived if fullname == f"{_MODULE}.Record" else None


def plugin(version: str) -> type[Plugin]:
    """Returns the plugin class. `version` is the version of mypy."""
    return RecordPlugin
