//! Tests of feature `serde`: writes layouts, interpretations, dialects and data models as JSON, and reads the JSON.
//! Also tests which layouts are equal.

use arbitrary::Unstructured;
use pep3118::layout::{BitField, LayoutBuilder, MemberSpec, NulHandling, UserType};
use pep3118::{
    Certainty, DataModel, Dialect, Endian, Interpretation, Layout, LongDoubleFormat, Scalar, Type, reconcile,
};
use serde_json::{Value, json};

use crate::corpus::rows;
use crate::docs::schema::conforms;
use crate::properties::layouts::random_layout;

/// Writes `value` as JSON, and returns the value that the JSON is read as.
fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    let json = serde_json::to_string(value).unwrap();
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// Writes `layout` as JSON and reads the JSON. Asserts that the result is equal to `layout` and has the same byte-order
/// characters, and that the JSON conforms to the schema. `what` describes the layout in messages.
fn assert_lossless(layout: &Layout, what: &str) {
    let read = again(layout);
    assert_eq!(read, *layout, "{what}");
    let orders = |layout: &Layout| layout.leaves().map(|(_, leaf)| leaf.byte_order()).collect::<Vec<_>>();
    assert_eq!(orders(&read), orders(layout), "{what}");
    assert_eq!(again(&read), *layout, "{what}, twice");
    let schema: Value = serde_json::from_str(&crate::docs::read("docs/layout.schema.json")).unwrap();
    let json = serde_json::to_value(layout).unwrap();
    assert_eq!(conforms(&json, &schema), Ok(()), "{what}: {json}");
}

#[test]
fn every_layout_of_the_corpus_is_read_again_without_loss() {
    let mut count = 0;
    for row in rows("answers").iter().chain(&rows("exports")) {
        let Some(format) = row["format"].as_str() else { continue };
        for dialect in Dialect::ALL {
            for model in [DataModel::LP64, DataModel::LLP64, DataModel::I386, DataModel::S390X] {
                if let Ok(layout) = Layout::read(format, dialect, &model) {
                    count += 1;
                    if count % 7 == 0 {
                        assert_lossless(&layout, &format!("{format} in {dialect} on {model}"));
                    }
                }
            }
        }
    }
    assert!(count > 10_000, "{count}");
}

#[test]
fn random_layouts_are_read_again_without_loss() {
    arbtest::arbtest(|bytes: &mut Unstructured<'_>| {
        let (format, layout) = random_layout(bytes)?;
        assert_lossless(&layout, &format);
        Ok(())
    })
    .budget_ms(1500);
}

#[test]
fn unions_bit_fields_nuls_and_names_are_read_again_without_loss() {
    let scalar = |ty, size| Scalar { ty, size, endian: Endian::Big };
    let at = |name: &'static [u8], offset| MemberSpec { name: Some(name), offset, ..MemberSpec::default() };
    let mut builder = LayoutBuilder::new(32, &DataModel::LP64);
    builder.open(at(b"union", 0), 8).unwrap();
    builder.value(at(b"int", 0), scalar(Type::Int32, 4)).unwrap();
    builder.value(at(b"float", 0), scalar(Type::Float64, 8)).unwrap();
    builder.close();
    let bits = |offset, width| BitField::new(Type::Int32, offset, width).unwrap();
    builder.bit_field(at(b"low", 8), bits(0, 3), Endian::Little).unwrap();
    builder.bit_field(at(b"high", 8), bits(3, 17), Endian::Big).unwrap();
    builder.bit_field(MemberSpec { shape: &[2], ..at(b"flags", 16) }, bits(1, 2), Endian::Big).unwrap();
    for (index, nuls) in (20..).zip(NulHandling::ALL) {
        builder.text(at(b"\xff\0:", index), scalar(Type::Bytes, 3), nuls).unwrap();
        builder.text(at(b"", 24), scalar(Type::Ucs4, 8), nuls).unwrap();
    }
    builder.value(MemberSpec { shape: &[2, 0, 1 << 40], ..at(b"none", 3) }, scalar(Type::Int16, 2)).unwrap();
    let weight = UserType::by_name(b"bfloat16").unwrap();
    builder.user_type(at(b"weight", 30), weight, Endian::Big).unwrap();
    let layout = builder.finish();
    assert!(layout.has_overlaps());
    assert_lossless(&layout, "a union");
    assert_lossless(&Layout::new(), "nothing");
    assert_lossless(&Layout::of_bytes(0, &DataModel::WASM32), "no bytes");
}

/// Returns the JSON of a layout of 8 bytes with one field. The keys of the object `key` replace keys of the field or
/// are added. A value of null removes the key.
fn with(key: Value) -> Value {
    let mut field = json!({"name": "a", "offset": 4, "size": 4, "type": "int32", "endian": "little"});
    for (key, value) in key.as_object().unwrap() {
        match value {
            Value::Null => field.as_object_mut().unwrap().remove(key),
            value => field.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    json!({"size": 8, "align": 1, "model": "lp64", "fields": [field]})
}

#[test]
fn fields_that_the_builder_refuses_are_refused() {
    assert!(serde_json::from_value::<Layout>(with(json!({}))).is_ok());
    let refused = [
        (json!({"offset": 5}), "int32 `a` at byte 5 ends at byte 9 of a record of 8 bytes"),
        (json!({"shape": [2]}), "int32 `a` at byte 4 ends at byte 12 of a record of 8 bytes"),
        (
            json!({"shape": [4_294_967_296_u64, 4_294_967_296_u64, 4_294_967_296_u64]}),
            "more elements than can be counted",
        ),
        (json!({"shape": vec![1; 65]}), "more than 64 dimensions"),
        (json!({"size": 3}), "int32 has no size of 3 bytes"),
        (json!({"size": -1}), "invalid value"),
        (json!({"endian": null}), "a field of type int32 has no byte order"),
        (json!({"type": "uint8", "size": 1}), "a field of type uint8 has a byte order"),
        (json!({"type": "int7"}), "unknown variant `int7`"),
        (json!({"type": "record", "endian": null}), "a field of type record has no `fields`"),
        (json!({"fields": []}), "a field of type int32 has `fields`"),
        (json!({"nuls": "keep"}), "int32 is not a type of text"),
        (json!({"bit_field": {"type": "int32", "offset": 0, "width": 5}}), "a `bit_field`"),
        (json!({"bit_field": {"type": "int8", "offset": 0, "width": 9}}), "no bit-field of 9 bits"),
        (json!({"bit_field": {"type": "int8", "offset": 9, "width": 1}}), "no bit-field of 1 bits"),
        (json!({"user_type": "bfloat16"}), "a `user_type` of another type or size"),
        (json!({"type": "opaque", "user_type": "no such type"}), "no user type has the name `no such type`"),
        (json!({"unit": 4}), "unknown field `unit`"),
        (json!({"offset": null}), "missing field `offset`"),
    ];
    for (key, message) in refused {
        let error = serde_json::from_value::<Layout>(with(key.clone())).unwrap_err().to_string();
        assert!(error.contains(message), "{key}: {error}");
    }
    for (key, value) in [("align", json!(3)), ("align", json!(0)), ("size", json!(u64::MAX)), ("model", json!("host"))]
    {
        let mut layout = with(json!({}));
        layout[key] = value.clone();
        assert!(serde_json::from_value::<Layout>(layout).is_err(), "{key}: {value}");
    }
}

#[test]
fn nested_records_and_repeated_keys_are_limited() {
    let nested = |depth: usize| {
        let record = r#"{"offset":0,"size":0,"type":"record","fields":["#;
        let layout = r#"{"size":0,"align":1,"model":"lp64","fields":["#;
        format!("{layout}{}{}]}}", record.repeat(depth), "]}".repeat(depth))
    };
    let read = |json: &str| {
        // The recursion limit of `serde_json` is 128 levels. The test disables this limit, so that only the limit of
        // layouts applies.
        let mut reader = serde_json::Deserializer::from_str(json);
        reader.disable_recursion_limit();
        <Layout as serde::Deserialize>::deserialize(&mut reader)
    };
    assert!(read(&nested(64)).is_ok());
    assert!(read(&nested(65)).unwrap_err().to_string().contains("more than 64 records inside each other"));
    assert!(read(&nested(100_000)).unwrap_err().to_string().contains("more than 64 records inside each other"));
    let twice = r#"{"size":1,"align":1,"model":"lp64","fields":[{"offset":0,"offset":0,"size":1,"type":"int8"}]}"#;
    assert!(read(twice).unwrap_err().to_string().contains("duplicate field `offset`"));
}

#[test]
fn data_models_are_read_again_by_name_or_by_their_sizes() {
    for model in DataModel::ALL {
        assert_eq!(serde_json::to_value(model).unwrap(), json!(model.name));
        assert_eq!(again(&model).name, model.name);
    }
    let mut power = DataModel { name: "power", ..DataModel::LP64 };
    power.long_double.format = LongDoubleFormat::DoubleDouble;
    assert_eq!((again(&power), again(&power).name), (power, "custom"));
    // The JSON contains no name `host`, because another machine has another data model of this name.
    assert_ne!(serde_json::to_value(DataModel::HOST).unwrap(), json!("host"));
    assert_eq!(again(&DataModel::HOST), DataModel::HOST);
    for (key, value) in [("long", 16), ("pointer", 2), ("wchar", 1), ("double_align", 3)] {
        let mut sizes = serde_json::to_value(power).unwrap();
        sizes[key] = json!(value);
        assert!(serde_json::from_value::<DataModel>(sizes).is_err(), "{key} {value}");
    }
}

#[test]
fn dialects_are_read_again_by_name_or_by_their_rules() {
    for dialect in Dialect::ALL.into_iter().chain(Dialect::VARIANTS) {
        assert_eq!(serde_json::to_value(dialect).unwrap(), json!(dialect.name));
        assert_eq!(again(dialect), *dialect);
    }
    let mut own = Dialect::CTYPES;
    own.codes = own.codes.without(&[pep3118::Code::Int]);
    assert_eq!(again(&own), own);
    own.name = "mine";
    let read = again(&own);
    assert_eq!(read.name, "custom");
    own.name = "custom";
    assert_eq!(read, own);
}

#[test]
fn interpretations_are_read_again_and_their_padding_is_checked() {
    let found = reconcile("T{i:a:b:b:}", Some(8), Some(&Dialect::NUMPY), &DataModel::LP64).unwrap();
    let read: Interpretation = again(&found);
    assert_eq!((read.certainty, read.trailing_padding), (Certainty::TrailingPadding, 3));
    assert_eq!(read, found);
    let mut json = serde_json::to_value(&found).unwrap();
    json["trailing_padding"] = json!(9);
    assert!(serde_json::from_value::<Interpretation>(json).is_err());
}

#[test]
fn layouts_are_equal_if_their_fields_are_equal() {
    let read = |format: &str| Layout::read(format, &Dialect::PEP3118, &DataModel::LP64).unwrap();
    for (format, other) in [
        ("<i", ">i"),
        ("<i", "<I"),
        ("T{<i:a:}", "T{<i:b:}"),
        ("T{<i:a:}", "<i"),
        ("(2,3)<i", "(3,2)<i"),
        ("<i", "<ix"),
        ("T{T{<i:a:}:b:<i:c:}", "T{T{<i:a:<i:c:}:b:}"),
        ("5t", "6t"),
        ("i", "^i"),
    ] {
        assert_eq!(read(format), read(format));
        assert_ne!(read(format), read(other), "{format} {other}");
    }
    for (format, other) in [("^l", "<q"), ("<i", " < i "), ("T{<i:a:<i:b:}", "T{<i:a: <i:b:}"), ("(3)<h", "( 3 )<h")] {
        assert_eq!(read(format), read(other));
    }
}
