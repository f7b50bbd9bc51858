//! The implementations of [`RecordField`] for numbers, `bool`, `char`, arrays and records.

use half::f16;
use num_complex::Complex;

use super::access::{RecordReader, RecordWriter};
use super::model::{Check, MemberKind, MemberLayout, RecordField};
use super::traits::Record;

impl<R: Record> RecordField for R {
    const MEMBER: MemberLayout = MemberLayout::record(R::LAYOUT);

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        R::load(source, at)
    }

    #[inline(always)]
    fn store<O: RecordWriter>(&self, target: &mut O, at: usize) {
        R::store(self, target, at);
    }
}

impl<T: RecordField, const N: usize> RecordField for [T; N] {
    const MEMBER: MemberLayout = MemberLayout {
        size: T::MEMBER.size.saturating_mul(N),
        align: T::MEMBER.align,
        in_memory: T::MEMBER.in_memory,
        kind: MemberKind::Array { element: &T::MEMBER, len: N },
    };

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        core::array::from_fn(|index| T::load(source, at.wrapping_add(index.wrapping_mul(T::MEMBER.size))))
    }

    #[inline(always)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize) {
        for (index, element) in self.iter().enumerate() {
            element.store(target, at.wrapping_add(index.wrapping_mul(T::MEMBER.size)));
        }
    }
}

/// Implements `RecordField` for the type `$number`, whose bytes in memory are the bytes of the field. `$member` is the
/// value of the constant `MEMBER`.
macro_rules! by_bytes {
    ($number:ty: $member:expr) => {
        impl RecordField for $number {
            const MEMBER: MemberLayout = $member;

            #[inline(always)]
            fn load<S: RecordReader>(source: S, at: usize) -> Self {
                Self::from_ne_bytes(source.bytes(at))
            }

            #[inline(always)]
            fn store<R: RecordWriter>(&self, target: &mut R, at: usize) {
                target.put(at, self.to_ne_bytes());
            }
        }
    };
}

/// Implements `RecordField` for each `$number`. `$code` is the format character. `$is_string` is `true` if an array of
/// this type is a string.
macro_rules! numbers {
    ($($number:ty: $code:literal $is_string:literal),+ $(,)?) => {$(
        by_bytes!($number: MemberLayout::value::<Self>($code, size_of::<Self>(), $is_string, Check::All));
    )+};
}

numbers! {
    i8: "b" false, u8: "B" true, i16: "h" false, u16: "H" false, i32: "i" false, u32: "I" false,
    i64: "q" false, u64: "Q" false, f16: "e" false, f32: "f" false, f64: "d" false,
}

/// Implements `RecordField` for `isize` and `usize`, which have the size of an address. The format is the format of the
/// integer of 32 or 64 bits.
macro_rules! address_sized {
    ($($word:ty: $int32:ty, $code32:literal, $int64:ty, $code64:literal);+ $(;)?) => {$(
        by_bytes!($word: if size_of::<Self>() == size_of::<$int64>() {
            MemberLayout::value::<$int64>($code64, size_of::<Self>(), false, Check::All)
        } else {
            MemberLayout::value::<$int32>($code32, size_of::<Self>(), false, Check::All)
        });
    )+};
}

// An address has 32 or 64 bits on all supported machines.
address_sized! {
    isize: i32, "i", i64, "q";
    usize: u32, "I", u64, "Q";
}

/// Implements `RecordField` for complex numbers whose parts have the type `$part`. `$code` is the code of the complex
/// number in a format.
macro_rules! complex {
    ($($part:ty: $code:literal),+) => {$(
        impl RecordField for Complex<$part> {
            const MEMBER: MemberLayout =
                MemberLayout::value::<Self>($code, size_of::<$part>(), false, Check::All);

            #[inline(always)]
            fn load<S: RecordReader>(source: S, at: usize) -> Self {
                let part = |at| <$part as RecordField>::load(source, at);
                Self::new(part(at), part(at.wrapping_add(size_of::<$part>())))
            }

            #[inline(always)]
            fn store<R: RecordWriter>(&self, target: &mut R, at: usize) {
                self.re.store(target, at);
                self.im.store(target, at.wrapping_add(size_of::<$part>()));
            }
        }
    )+};
}

complex!(f16: "Ze", f32: "Zf", f64: "Zd");

impl RecordField for bool {
    const MEMBER: MemberLayout = MemberLayout::value::<Self>("?", 1, false, Check::Bool);

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        // As for `struct`, `memoryview`, NumPy and ctypes, every byte other than 0 is true.
        source.bytes::<1>(at) != [0]
    }

    #[inline(always)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize) {
        target.put(at, [u8::from(*self)]);
    }
}

impl RecordField for char {
    // A code unit of 4 bytes has the bytes of a `u32`.
    const MEMBER: MemberLayout = MemberLayout::value::<u32>("w", 4, true, Check::Char);

    #[inline(always)]
    fn load<S: RecordReader>(source: S, at: usize) -> Self {
        // The default is never used, because `CharCheck` returns an error for bytes that are not a `char`.
        Self::from_u32(u32::from_ne_bytes(source.bytes(at))).unwrap_or(Self::REPLACEMENT_CHARACTER)
    }

    #[inline(always)]
    fn store<R: RecordWriter>(&self, target: &mut R, at: usize) {
        target.put(at, u32::from(*self).to_ne_bytes());
    }
}
