use crate::field::Field;
use serde_json::Value;
use std::collections::BTreeMap;

/// A type that can be read from a vector file.
///
/// Integers may be written as JSON numbers or, since many tools keep only 53 bits of those, as
/// decimal or `0x` strings. Tuples and arrays are JSON arrays of exactly that length, maps are JSON
/// objects, `Option` is `None` for `null` and for a missing key.
///
/// # Implementing
///
/// Read the parts from the field; end with [`Field::fail`] where they make no sense. Never fall
/// back on a default.
///
/// ```
/// use purlin_vectors::{Decode, Field};
///
/// struct Quota { permits: u32, period_ns: u64 }
///
/// impl Decode for Quota {
///     fn decode(field: &Field<'_>) -> Self {
///         Self { permits: field.read("count"), period_ns: field.read("period_ns") }
///     }
/// }
/// ```
pub trait Decode: Sized {
    /// Reads the value, or ends the case by [`Field::fail`].
    fn decode(field: &Field<'_>) -> Self;

    /// What a missing key means: `None`, a failure, for everything but `Option`.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// Bytes, written as a string of two hexadecimal digits each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Decode for $integer {
            fn decode(field: &Field<'_>) -> Self {
                match integer(field.json()).map(Self::try_from) {
                    Some(Ok(integer)) => integer,
                    _ => field.fail(concat!("is no ", stringify!($integer))),
                }
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, usize, i8, i16, i32, i64, u128);

/// The integer that a JSON number, a decimal string or a `0x` string stands for.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .map(i128::from)
            .or_else(|| number.as_i64().map(i128::from)),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                i128::from_str_radix(digits, 16).ok()
            }
            Some(_) => None,
            None => text.parse().ok(),
        },
        _ => None,
    }
}

impl Decode for f64 {
    fn decode(field: &Field<'_>) -> Self {
        let number = field.json().as_f64();
        number.unwrap_or_else(|| field.fail("is no number"))
    }
}

impl Decode for bool {
    fn decode(field: &Field<'_>) -> Self {
        let truth = field.json().as_bool();
        truth.unwrap_or_else(|| field.fail("is neither true nor false"))
    }
}

impl Decode for String {
    fn decode(field: &Field<'_>) -> Self {
        let text = field.json().as_str();
        text.map_or_else(|| field.fail("is no string"), str::to_owned)
    }
}

impl Decode for Hex {
    fn decode(field: &Field<'_>) -> Self {
        let bytes = field.json().as_str().and_then(hex);
        Self(bytes.unwrap_or_else(|| field.fail("is no string of hexadecimal bytes")))
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| {
        char::from(*digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let nibbles: Vec<u8> = digits
        .as_bytes()
        .iter()
        .map(nibble)
        .collect::<Option<_>>()?;
    let (pairs, rest) = nibbles.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| high << 4 | low);
    rest.is_empty().then(|| bytes.collect())
}

impl<T: Decode> Decode for Option<T> {
    fn decode(field: &Field<'_>) -> Self {
        if field.value.is_null() {
            field.mark_read();
            return None;
        }
        Some(T::decode(field))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(field: &Field<'_>) -> Self {
        field.list().iter().map(T::decode).collect()
    }
}

impl<T: Decode, const N: usize> Decode for [T; N] {
    fn decode(field: &Field<'_>) -> Self {
        let items: Vec<T> = field.decode();
        let found = items.len();
        Self::try_from(items).unwrap_or_else(|_| field.fail(&format!("has {found} items, not {N}")))
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(field: &Field<'_>) -> Self {
        let entries = field.entries().into_iter();
        entries
            .map(|(key, field)| (key.to_owned(), field.decode()))
            .collect()
    }
}

macro_rules! tuples {
    ($($count:literal: $($item:ident)*;)*) => {$(
        impl<$($item: Decode),*> Decode for ($($item,)*) {
            fn decode(field: &Field<'_>) -> Self {
                let items = field.list();
                if items.len() != $count {
                    field.fail(&format!("has {} items, not {}", items.len(), $count));
                }
                let mut items = items.iter();
                ($($item::decode(items.next().expect("counted above")),)*)
            }
        }
    )*};
}

tuples! {
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
}
