//! Tests of typed copies to wider numbers, for every pair of types. A conversion must succeed if the conversion is
//! exact for all numbers of the source type. Otherwise the conversion must fail.

use super::*;

/// A number of any type. Two values are equal if they are exactly the same number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Exact {
    Int(i128),
    /// The bits of a double, because 0.0 and -0.0 compare equal as doubles.
    Float(u64),
    Complex(u64, u64),
}

/// A number type whose numbers convert to [`Exact`].
trait ExactNumber: pep3118::decode::Number + std::fmt::Debug + Default {
    /// Returns the number without loss.
    fn exact(self) -> Exact;
}

/// Implements [`ExactNumber`] for integers and for floats.
macro_rules! exact_number {
    ($($integer:ty),+; $($exact_float:ty),+) => {
        $(impl ExactNumber for $integer { fn exact(self) -> Exact { Exact::Int(self.into()) } })+
        $(impl ExactNumber for $exact_float { fn exact(self) -> Exact { Exact::Float(f64::from(self).to_bits()) } })+
    };
}
exact_number!(i8, u8, i16, u16, i32, u32, i64, u64; f16, f32, f64);

impl ExactNumber for Complex<f64> {
    fn exact(self) -> Exact {
        Exact::Complex(self.re.to_bits(), self.im.to_bits())
    }
}

/// Elements of one source type in both byte orders, and their exact values.
struct SourceElements {
    code: &'static str,
    little: Vec<u8>,
    big: Vec<u8>,
    exact: Vec<Exact>,
}

/// Creates the [`SourceElements`] for the format character `$code`. The function `$exact` converts each `$value`.
macro_rules! from {
    ($code:literal, $exact:expr; $($value:expr),+) => {
        SourceElements {
            code: $code,
            little: [$(&$value.to_le_bytes()[..]),+].concat(),
            big: [$(&$value.to_be_bytes()[..]),+].concat(),
            exact: vec![$($exact($value)),+],
        }
    };
}

/// Converts an integer to [`Exact`].
fn exact_int<T: Into<i128>>(value: T) -> Exact {
    Exact::Int(value.into())
}

/// Converts a float to [`Exact`].
fn exact_float<T: Into<f64>>(value: T) -> Exact {
    Exact::Float(value.into().to_bits())
}

/// Returns six elements of each type.
fn sources() -> Vec<SourceElements> {
    let mut sources = vec![
        from!("b", exact_int; i8::MIN, i8::MAX, -1_i8, 0_i8, 1_i8, 100_i8),
        from!("B", exact_int; u8::MIN, u8::MAX, 127_u8, 128_u8, 1_u8, 100_u8),
        from!("h", exact_int; i16::MIN, i16::MAX, -1_i16, 0_i16, 1_i16, 1000_i16),
        from!("H", exact_int; u16::MIN, u16::MAX, 0x7fff_u16, 0x8000_u16, 1_u16, 1000_u16),
        from!("i", exact_int; i32::MIN, i32::MAX, -1_i32, 0_i32, 16_777_217_i32, -16_777_217_i32),
        from!("I", exact_int; u32::MIN, u32::MAX, 1_u32, 0x8000_0000_u32, 16_777_217_u32, 5_u32),
        from!("q", exact_int; i64::MIN, i64::MAX, -1_i64, 0_i64, 1_i64, 9_007_199_254_740_993_i64),
        from!("Q", exact_int; u64::MIN, u64::MAX, 1_u64, 1_u64 << 63, 2_u64, 9_007_199_254_740_993_u64),
        from!("e", exact_float; f16::MIN, f16::MAX, f16::NEG_ZERO, f16::INFINITY, f16::MIN_POSITIVE_SUBNORMAL, f16::ONE),
        from!("f", exact_float; f32::MIN, f32::MAX, -0.0_f32, f32::INFINITY, f32::MIN_POSITIVE, 0.1_f32),
        from!("d", exact_float; f64::MIN, f64::MAX, -0.0_f64, f64::NEG_INFINITY, f64::MIN_POSITIVE, 0.1_f64),
    ];
    // Two floats of the same type are the parts of one complex number.
    for (part, code) in [("e", "Ze"), ("f", "Zf"), ("d", "Zd")] {
        let parts = sources.iter().find(|from| from.code == part).unwrap();
        let pairs = parts.exact.chunks(2).map(|pair| match pair {
            [Exact::Float(re), Exact::Float(im)] => Exact::Complex(*re, *im),
            _ => unreachable!(),
        });
        let twice = |bytes: &[u8]| bytes.repeat(2);
        let exact: Vec<Exact> = pairs.collect();
        sources.push(SourceElements {
            code,
            little: twice(&parts.little),
            big: twice(&parts.big),
            exact: [exact.clone(), exact].concat(),
        });
    }
    sources
}

/// Converts elements of every type to `T`, whose name is `name`. The conversion must succeed for the format
/// characters in `lossless`, and the results must be exact. The conversion must fail for all other format
/// characters.
fn check<T: ExactNumber>(name: &str, lossless: &[&str]) {
    for from in sources() {
        for (mark, bytes) in [("<", &from.little), (">", &from.big)] {
            let plan = plan(&format!("{mark}{}", from.code));
            let size = plan.itemsize();
            // A shape of [2, 3] whose first index varies fastest, and a row that selects every second item.
            let (step, skip) = ([size as i64, 2 * size as i64], [2 * size as i64]);
            let across = view(&[2, 3], &step, size as i64, bytes.len() as i64, 0);
            let twice: Vec<u8> = bytes.chunks(size).flat_map(|item| item.repeat(2)).collect();
            let apart = view(&[6], &skip, size as i64, twice.len() as i64, 0);
            let turned = [0, 2, 4, 1, 3, 5].map(|index: usize| from.exact[index]);
            let unchanged: [Exact; 6] = from.exact.clone().try_into().unwrap();
            for (view, memory, order, wanted) in [
                (&across, bytes, Order::C, turned),
                (&across, bytes, Order::Fortran, unchanged),
                (&apart, &twice, Order::C, unchanged),
                (&apart, &twice, Order::Fortran, unchanged),
            ] {
                let buffer = Buffer::new(view, &plan, memory).unwrap();
                let about = format!("{mark}{} as {name} in {order:?}", from.code);
                match buffer.to_vec_as::<T>(order) {
                    Ok(numbers) => {
                        assert!(lossless.contains(&from.code), "{about}: {numbers:?} may have lost something");
                        let found: Vec<Exact> = numbers.into_iter().map(T::exact).collect();
                        let wanted = wanted.map(|number| match (number, T::exact(T::default())) {
                            (Exact::Int(number), Exact::Float(_)) => Exact::Float((number as f64).to_bits()),
                            (number, _) => number,
                        });
                        assert_eq!(found, wanted, "{about}");
                    }
                    Err(DecodeError::ElementType { wanted, .. }) => {
                        assert!(!lossless.contains(&from.code), "{about} is refused");
                        assert_eq!(wanted, name, "{about}");
                    }
                    Err(error) => panic!("{about}: {error}"),
                }
            }
        }
    }
}

#[test]
fn numbers_widen_where_nothing_is_lost() {
    check::<i8>("int8", &["b"]);
    check::<u8>("uint8", &["B"]);
    check::<i16>("int16", &["b", "B", "h"]);
    check::<u16>("uint16", &["B", "H"]);
    check::<i32>("int32", &["b", "B", "h", "H", "i"]);
    check::<u32>("uint32", &["B", "H", "I"]);
    check::<i64>("int64", &["b", "B", "h", "H", "i", "I", "q"]);
    check::<u64>("uint64", &["B", "H", "I", "Q"]);
    check::<f16>("float16", &["e"]);
    check::<f32>("float32", &["b", "B", "h", "H", "e", "f"]);
    check::<f64>("float64", &["b", "B", "h", "H", "i", "I", "e", "f", "d"]);
    check::<Complex<f64>>("complex128", &["Ze", "Zf", "Zd"]);
}
