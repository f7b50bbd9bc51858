//! Tests of `long double` in its four representations.

use super::*;

/// The tables contain bytes in two of the representations and the number that they encode, where 3.0 means π. The other
/// two representations follow the tables. A number that is encoded again has the same bytes.
#[test]
fn long_doubles_of_every_representation_are_decoded() {
    let x87: &[(&str, f64)] = &[
        ("0000000000000080ff3f", 1.0),
        ("00000000000000c000c0", -3.0),
        ("00000000000000000080", -0.0),
        ("35c26821a2da0fc90040", std::f64::consts::PI),
        ("ffffffffffffffff fe7f", f64::INFINITY),
        ("0000000000000080ff7f", f64::INFINITY),
        ("0000000000000080ffff", f64::NEG_INFINITY),
        // The first row is the smallest denormal f64. The second row is half of this number, which rounds to 0 (ties to
        // even). The third row is slightly more than half.
        ("0000000000000080cd3b", f64::from_bits(1)),
        ("0000000000000080cc3b", 0.0),
        ("0100000000000080cc3b", f64::from_bits(1)),
        // Half of the last bit rounds to even, down and up. Rounding up can increase the exponent.
        ("0004000000000080ff3f", 1.0),
        ("000c000000000080ff3f", 1.0 + 2.0 * f64::EPSILON),
        ("00fcffffffffffffff3f", 2.0),
    ];
    let binary128: &[(&str, f64)] = &[
        ("0000000000000000000000000000ff3f", 1.0),
        ("000000000000000000000000000800c0", -2.0625),
        ("b80117c58c896984d14244b51f920040", 3.0),
        ("0000000000000000000000000000ff7f", f64::INFINITY),
        ("0100000000000000000000000000ff7f", f64::NAN),
        ("ffffffffffffffffffffffffffff fe7f", f64::INFINITY),
        ("01000000000000000000000000000000", 0.0),
        ("0000000000000000000000000000cd3b", f64::from_bits(1)),
    ];
    let number = |digits: &str| -> Vec<u8> {
        let digits: String = digits.split_whitespace().collect();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    };
    let read = |bytes: &[u8], model: &DataModel| {
        let layout = Layout::read(b"^g", &Dialect::PEP3118, model).unwrap();
        let mut item = bytes.to_vec();
        item.resize(layout.size() as usize, 0xcc);
        if model.endian == pep3118::Endian::Big {
            item.reverse();
        }
        let plan = Plan::new(&layout).unwrap();
        let Value::LongDouble(value) = plan.value(&item).unwrap() else { panic!() };
        assert_eq!(value.as_le_bytes(), bytes);
        let mut again = vec![0xcc; item.len()];
        plan.encode(&Value::LongDouble(value), &mut again).unwrap();
        assert_eq!(again, item);
        value.to_f64()
    };
    let same =
        |found: f64, expected: f64| found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
    for (digits, expected) in x87 {
        for model in [DataModel::LP64, DataModel::I386] {
            let found = read(&number(digits), &model);
            assert!(same(found, *expected), "{digits}: {found:e}, {expected:e}");
        }
    }
    for (digits, expected) in binary128 {
        for model in [DataModel::AARCH64, DataModel::S390X] {
            let found = read(&number(digits), &model);
            let expected = if *expected == 3.0 { std::f64::consts::PI } else { *expected };
            assert!(same(found, expected), "{digits}: {found:e}, {expected:e}");
        }
    }
    // An unnormal number, which is invalid for the x87.
    assert!(read(&number("0000000000000040ff3f"), &DataModel::LP64).is_nan());
    assert!(read(&number("00000000000000c0ff7f"), &DataModel::LP64).is_nan());
    // The representation of PowerPC: two doubles.
    let power = DataModel {
        long_double: pep3118::LongDoubleAbi { format: LongDoubleFormat::DoubleDouble, ..DataModel::LP64.long_double },
        ..DataModel::LP64
    };
    let pair = |high: f64, low: f64| [high.to_le_bytes(), low.to_le_bytes()].concat();
    assert_eq!(read(&pair(1.0, 2_f64.powi(-53)), &power), 1.0);
    assert_eq!(read(&pair(1.0, 2_f64.powi(-52)), &power), 1.0 + f64::EPSILON);
    assert_eq!(read(&pair(f64::INFINITY, f64::NEG_INFINITY), &power), f64::INFINITY);
    let big = DataModel { endian: pep3118::Endian::Big, ..power };
    let layout = Layout::read(b"^g", &Dialect::PEP3118, &big).unwrap();
    let item = [3.0_f64.to_be_bytes(), 0.5_f64.to_be_bytes()].concat();
    let Value::LongDouble(value) = Plan::new(&layout).unwrap().value(&item).unwrap() else { panic!() };
    assert_eq!((value.to_f64(), value.as_le_bytes()), (3.5, &pair(3.0, 0.5)[..]));
    // On Windows a `long double` is a double, so the column has doubles.
    let layout = Layout::read(b"g", &Dialect::PEP3118, &DataModel::LLP64).unwrap();
    let columns = Plan::new(&layout).unwrap().columns(&2.5_f64.to_le_bytes(), None).unwrap();
    assert_eq!(columns[0].data, ColumnData::Float64(vec![2.5]));
}

/// An `f64` that is encoded in any representation and then decoded is unchanged.
#[test]
fn doubles_become_long_doubles() {
    arbtest::arbtest(|bytes| {
        let number = f64::from_bits(bytes.arbitrary()?);
        for format in [
            LongDoubleFormat::Double,
            LongDoubleFormat::X87,
            LongDoubleFormat::Binary128,
            LongDoubleFormat::DoubleDouble,
        ] {
            let back = LongDouble::from_f64(number, format).to_f64();
            assert!(back.to_bits() == number.to_bits() || (back.is_nan() && number.is_nan()), "{number:e} {format:?}");
        }
        Ok(())
    })
    .budget_ms(500);
    for bits in [1, 0xf_ffff_ffff_ffff, 1 << 52, 0x8000_0000_0000_0001] {
        let number = f64::from_bits(bits);
        assert_eq!(LongDouble::from_f64(number, LongDoubleFormat::X87).to_f64(), number);
        assert_eq!(LongDouble::from_f64(number, LongDoubleFormat::Binary128).to_f64(), number);
    }
}
