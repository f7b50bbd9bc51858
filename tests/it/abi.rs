//! Tests of `DataModel`: the named models, the models of target triples, and the model of the host.

use pep3118::{CType, DataModel};

#[test]
fn models_are_found_by_name() {
    for model in DataModel::ALL.into_iter().chain([DataModel::HOST]) {
        assert_eq!(DataModel::by_name(model.name), Some(model));
    }
    assert_eq!(DataModel::by_name("pdp11"), None);
}

#[test]
fn the_host_model_has_the_sizes_of_rust() {
    let host = DataModel::HOST;
    assert_eq!(host.size_of(CType::Pointer), size_of::<usize>() as u64);
    assert_eq!(host.size_of(CType::Long), size_of::<core::ffi::c_long>() as u64);
    assert_eq!(host.align_of(CType::Double).bytes(), align_of::<f64>() as u64);
    assert_eq!(host.ssize_max(), isize::MAX as u64);
}

#[cfg(feature = "triple")]
mod triples {
    use pep3118::{DataModel, LongDoubleFormat};

    /// Returns the data model of the target triple `triple`. Panics if the triple is unknown.
    fn model(triple: &str) -> DataModel {
        DataModel::from_triple(triple).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn well_known_triples_have_named_models() {
        let pairs = [
            ("x86_64-unknown-linux-gnu", DataModel::LP64),
            ("x86_64-apple-darwin", DataModel::LP64),
            ("aarch64-unknown-linux-gnu", DataModel::AARCH64),
            ("s390x-unknown-linux-gnu", DataModel::S390X),
            ("x86_64-pc-windows-msvc", DataModel::LLP64),
            ("aarch64-pc-windows-msvc", DataModel::LLP64),
            ("i686-unknown-linux-gnu", DataModel::I386),
            ("armv7-unknown-linux-gnueabihf", DataModel::ILP32),
            ("wasm32-unknown-emscripten", DataModel::WASM32),
        ];
        for (triple, named) in pairs {
            assert_eq!(model(triple), DataModel { name: "triple", ..named }, "{triple}");
        }
    }

    #[test]
    fn long_double_depends_on_architecture_vendor_and_environment() {
        let long_double = |triple: &str| {
            let long_double = model(triple).long_double;
            (long_double.size, long_double.align.bytes(), long_double.format)
        };
        assert_eq!(long_double("aarch64-apple-darwin"), (8, 8, LongDoubleFormat::Double));
        assert_eq!(long_double("x86_64-pc-windows-gnu"), (16, 16, LongDoubleFormat::X87));
        assert_eq!(long_double("powerpc64le-unknown-linux-gnu"), (16, 16, LongDoubleFormat::DoubleDouble));
        assert_eq!(long_double("riscv64gc-unknown-linux-gnu"), (16, 16, LongDoubleFormat::Binary128));
        assert_eq!(long_double("wasm32-wasip1"), (16, 16, LongDoubleFormat::Binary128));
    }

    #[test]
    fn an_unknown_triple_is_an_error_with_a_reason() {
        let error = |triple: &str| DataModel::from_triple(triple).unwrap_err().to_string();
        assert_eq!(error("pdp11"), "unknown target triple `pdp11`: Unrecognized architecture: pdp11");
        assert_eq!(
            error("avr-unknown-unknown"),
            "unknown target triple `avr-unknown-unknown`: its data model is not known"
        );
    }
}
