//! Constant expressions of C: the lengths of arrays, the widths of bit-fields, the values of enumerators, and
//! alignments. `Resolver::constant` evaluates an expression, and returns a [`Value`].

use lang_c::ast::{BinaryOperator, Constant, Expression, Integer, IntegerBase, IntegerSize, TypeName, UnaryOperator};
use lang_c::span::Node;

use super::constant_value::Value;
use super::declare::Resolver;
use super::error::{CError, quoted};
use super::types::{Base, DeclaredType, describe_unsized};
use crate::abi::CType;
use crate::layout::Type;

impl Resolver<'_, '_> {
    /// Returns the value of `expression`. Returns an error if `expression` is not an integer constant, or if its value
    /// is out of range.
    // The function calls itself for each operator and each pair of parentheses. `MAX_RUN` and `MAX_DEPTH` in
    // `source.rs` limit the numbers of operators and parentheses.
    pub(super) fn constant(&mut self, expression: &Node<Expression>) -> Result<Value, CError> {
        let at = expression.span.start;
        let overflow = |this: &Self| this.error(at, "the value of the expression is out of range".to_owned());
        match &expression.node {
            Expression::Constant(constant) => match &constant.node {
                Constant::Integer(integer) => self.integer(integer).ok_or_else(|| overflow(self)),
                Constant::Character(text) => match text.as_bytes() {
                    [b'\'', byte, b'\''] if byte.is_ascii() => Ok(Value::int(i128::from(*byte))),
                    _ => Err(self.error(at, "a character constant with an escape is not supported".to_owned())),
                },
                Constant::Float(_) => Err(self.error(at, "expected an integer constant".to_owned())),
            },
            Expression::Identifier(name) => self.named_constant(&name.node.name, at),
            Expression::SizeOfTy(ty) => self.size_of(&ty.node.0),
            Expression::AlignOf(ty) => {
                let value = self.type_name(&ty.node.0)?;
                // `__alignof__` is the preferred alignment of a type. On i386, the preferred alignment of a type of 8
                // bytes can be larger than the alignment in a structure: 8 and 4 for `double`. Only the alignment in a
                // structure is known.
                let is_preferred = self.text_from(at).starts_with("__alignof");
                if is_preferred && value.element_size() == Some(8) && value.align.bytes() < 8 {
                    return Err(self
                        .error(at, "the value of `__alignof__` is not known".to_owned())
                        .with_help("write `_Alignof`"));
                }
                if value.element_size().is_none() {
                    return Err(self.error(at, describe_unsized(&value.base)));
                }
                Ok(self.size_value(value.align.bytes()))
            }
            Expression::UnaryOperator(unary) => {
                let operand = self.constant(&unary.node.operand)?;
                let (number, keep) = match unary.node.operator.node {
                    UnaryOperator::Plus => (operand.number, true),
                    // A value has at most 64 bits, so the negative value is in range of the type `i128`.
                    UnaryOperator::Minus => (0_i128.saturating_sub(operand.number), true),
                    UnaryOperator::Complement => (!operand.number, true),
                    UnaryOperator::Negate => (i128::from(operand.number == 0), false),
                    _ => return Err(self.not_constant(at)),
                };
                if !keep {
                    return Ok(Value::int(number));
                }
                let Value { bits, is_signed, .. } = operand;
                self.converted(Some(Value { number, ..operand }), bits, is_signed, at)
            }
            Expression::Cast(cast) => {
                let value = self.constant(&cast.node.expression)?;
                let ty = self.type_name(&cast.node.type_name)?;
                match (&ty.base, ty.shape.is_empty()) {
                    (Base::Scalar(scalar), true) => {
                        let is_signed = match scalar.ty {
                            Type::Bool => return Ok(Value::int(i128::from(value.number != 0))),
                            Type::Char | Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => true,
                            Type::UInt8 | Type::UInt16 | Type::UInt32 | Type::UInt64 => false,
                            _ => return Err(self.not_constant(at)),
                        };
                        let bits = u32::try_from(scalar.size.saturating_mul(8)).map_err(|_| overflow(self))?;
                        let cast = self.converted(Some(value), bits, is_signed, at)?;
                        if scalar.ty == Type::Char && cast.number < 0 {
                            let message = "the sign of a `char` depends on the compiler".to_owned();
                            return Err(self.error(at, message).with_help("write `signed char`"));
                        }
                        // The integer promotions convert a small type to `int`.
                        Ok(if bits < 32 { Value::int(cast.number) } else { cast })
                    }
                    _ => Err(self.not_constant(at)),
                }
            }
            Expression::Conditional(conditional) => {
                let condition = self.constant(&conditional.node.condition)?;
                let (then, otherwise) = (&conditional.node.then_expression, &conditional.node.else_expression);
                let is_true = condition.number != 0;
                let (used, unused) = if is_true { (then, otherwise) } else { (otherwise, then) };
                let used = self.constant(used)?;
                // The type of the result depends on both expressions, also on the expression that C does not evaluate.
                let unused = self.unevaluated(unused)?;
                let (used, _) = used.common(unused).ok_or_else(|| overflow(self))?;
                Ok(used)
            }
            Expression::BinaryOperator(binary) => {
                let left = self.constant(&binary.node.lhs)?;
                let operator = &binary.node.operator.node;
                let is_decided = match operator {
                    BinaryOperator::LogicalAnd => left.number == 0,
                    BinaryOperator::LogicalOr => left.number != 0,
                    _ => false,
                };
                if is_decided {
                    return Ok(Value::int(i128::from(left.number != 0)));
                }
                let right = self.constant(&binary.node.rhs)?;
                self.binary(operator, left, right, at)
            }
            _ => Err(self.not_constant(at)),
        }
    }

    /// Converts `value` to the integer type of `bits` bits, which is signed if `is_signed` is `true`. `value` is `None`
    /// if its computation overflowed. `at` is the position of the expression. Returns an error if the type does not
    /// contain the value. In an expression that C does not evaluate, returns 0 instead of the error, because the value
    /// is not used.
    fn converted(&self, value: Option<Value>, bits: u32, is_signed: bool, at: usize) -> Result<Value, CError> {
        match value.and_then(|value| value.convert(bits, is_signed)) {
            Some(value) => Ok(value),
            None if self.is_unevaluated => Ok(Value { number: 0, bits, is_signed }),
            None => Err(self.error(at, "the value of the expression is out of range".to_owned())),
        }
    }

    /// Returns a value that has the type of `expression`, an expression that C does not evaluate: `1 / 0` in `1 ? 2 : 1
    /// / 0`. Returns an error if `expression` is not an integer constant.
    // The function and `constant` call each other for each conditional. `MAX_RUN` in `source.rs` limits the number of
    // conditionals.
    fn unevaluated(&mut self, expression: &Node<Expression>) -> Result<Value, CError> {
        let outer = core::mem::replace(&mut self.is_unevaluated, true);
        let value = self.constant(expression);
        self.is_unevaluated = outer;
        value
    }

    /// Returns the result of `operator` for the operands `left` and `right`. `at` is the position of the expression.
    /// Returns an error for a division by 0, for a result out of range, and for an operator that a constant expression
    /// cannot have, such as `=`.
    fn binary(&self, operator: &BinaryOperator, left: Value, right: Value, at: usize) -> Result<Value, CError> {
        let overflow = || self.error(at, "the value of the expression is out of range".to_owned());
        let (a, b) = left.common(right).ok_or_else(overflow)?;
        let (x, y) = (a.number, b.number);
        let truth = |condition: bool| Ok(Value::int(i128::from(condition)));
        let number = match operator {
            BinaryOperator::Multiply => x.checked_mul(y),
            BinaryOperator::Divide | BinaryOperator::Modulo if y == 0 && !self.is_unevaluated => {
                return Err(self.error(at, "a division by 0".to_owned()));
            }
            BinaryOperator::Divide => x.checked_div(y),
            BinaryOperator::Modulo => x.checked_rem(y),
            BinaryOperator::Plus => x.checked_add(y),
            BinaryOperator::Minus => x.checked_sub(y),
            BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => {
                let shift = u32::try_from(right.number).ok().filter(|shift| *shift < left.bits);
                let shifted = shift.and_then(|shift| match operator {
                    // At most 64 bits are shifted by at most 63 bits, so 128 bits contain the result.
                    BinaryOperator::ShiftLeft => left.number.checked_shl(shift),
                    _ => left.number.checked_shr(shift),
                });
                let shifted = shifted.map(|number| Value { number, ..left });
                return self.converted(shifted, left.bits, left.is_signed, at);
            }
            BinaryOperator::BitwiseAnd => Some(x & y),
            BinaryOperator::BitwiseXor => Some(x ^ y),
            BinaryOperator::BitwiseOr => Some(x | y),
            BinaryOperator::Less => return truth(x < y),
            BinaryOperator::Greater => return truth(x > y),
            BinaryOperator::LessOrEqual => return truth(x <= y),
            BinaryOperator::GreaterOrEqual => return truth(x >= y),
            BinaryOperator::Equals => return truth(x == y),
            BinaryOperator::NotEquals => return truth(x != y),
            BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr => return truth(right.number != 0),
            _ => return Err(self.not_constant(at)),
        };
        self.converted(number.map(|number| Value { number, ..a }), a.bits, a.is_signed, at)
    }

    /// Returns the value of `integer`, an integer constant, in the smallest type that C permits for its suffix. Returns
    /// `None` if no type contains the value.
    fn integer(&self, integer: &Integer) -> Option<Value> {
        let radix = match integer.base {
            IntegerBase::Decimal => 10,
            IntegerBase::Octal => 8,
            IntegerBase::Hexadecimal => 16,
            IntegerBase::Binary => 2,
        };
        // The parser removes the prefix, and the digits of the octal number `0` are empty.
        let digits: &str = if integer.number.is_empty() { "0" } else { &integer.number };
        let number = i128::from_str_radix(digits, radix).ok()?;
        let long = u32::try_from(self.model.size_of(CType::Long).saturating_mul(8)).ok()?;
        let smallest = match integer.suffix.size {
            IntegerSize::Int => 32,
            IntegerSize::Long => long,
            IntegerSize::LongLong => 64,
        };
        let candidates = [(32, true), (32, false), (64, true), (64, false)];
        let is_candidate = |(bits, is_signed): &(u32, bool)| {
            let has_sign = if integer.suffix.unsigned { !is_signed } else { *is_signed || radix != 10 };
            *bits >= smallest && has_sign && Value { number, bits: *bits, is_signed: *is_signed }.is_in_range()
        };
        let (bits, is_signed) = candidates.into_iter().find(is_candidate)?;
        Some(Value { number, bits, is_signed })
    }

    /// Returns `bytes` as a value of the type `size_t`.
    fn size_value(&self, bytes: u64) -> Value {
        let bits = if self.model.size_of(CType::SizeT) == 8 { 64 } else { 32 };
        Value { number: i128::from(bytes), bits, is_signed: false }
    }

    /// Returns the size of the type `ty` in bytes, as a value of the type `size_t`. Returns an error if the type has no
    /// size.
    fn size_of(&mut self, ty: &Node<TypeName>) -> Result<Value, CError> {
        let value = self.type_name(ty)?;
        match value.size() {
            Some(size) => Ok(self.size_value(size)),
            None => Err(self.unsized_error(&value, ty.span.start)),
        }
    }

    /// Returns the error for a type without a size where C requires a size. `value` is the type, and `at` is its offset
    /// in the prepared source, in bytes. If the declaration of the type had an error, returns this error.
    pub(super) fn unsized_error(&self, value: &DeclaredType, at: usize) -> CError {
        match &value.base {
            Base::Invalid(error) => error.clone(),
            base => self.error(at, describe_unsized(base)),
        }
    }

    /// Returns the value of `name`, which is an enumerator, `true` or `false`. `at` is the position of the name.
    /// Returns an error for any other name.
    fn named_constant(&self, name: &str, at: usize) -> Result<Value, CError> {
        match (self.constants.get(name), name) {
            (Some(value), _) => Ok(*value),
            (None, "true") => Ok(Value::int(1)),
            (None, "false") => Ok(Value::int(0)),
            (None, _) => {
                let message = format!("unknown constant {}", quoted(name));
                Err(self.error(at, message).with_help("define the constant with `#define` or `enum`"))
            }
        }
    }

    /// Returns the error for the expression at the position `at`, which is not an integer constant.
    fn not_constant(&self, at: usize) -> CError {
        self.error(at, "expected an integer constant".to_owned())
    }
}
