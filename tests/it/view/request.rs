//! Tests of `Request`: the values and the names of requests, and the errors for invalid flags.

use pep3118::{Request, RequestError, RuleId};

#[test]
fn values_are_those_of_cpython() {
    let values = [
        (Request::SIMPLE, 0),
        (Request::WRITABLE, 1),
        (Request::FORMAT, 4),
        (Request::ND, 8),
        (Request::STRIDES, 0x18),
        (Request::C_CONTIGUOUS, 0x38),
        (Request::F_CONTIGUOUS, 0x58),
        (Request::ANY_CONTIGUOUS, 0x98),
        (Request::INDIRECT, 0x118),
        (Request::CONTIG, 9),
        (Request::CONTIG_RO, 8),
        (Request::STRIDED, 0x19),
        (Request::STRIDED_RO, 0x18),
        (Request::RECORDS, 0x1d),
        (Request::RECORDS_RO, 0x1c),
        (Request::FULL, 0x11d),
        (Request::FULL_RO, 0x11c),
    ];
    for (request, bits) in values {
        assert_eq!(request.bits(), bits);
        assert_eq!(Request::from_flags(bits), Ok(request));
    }
    assert_eq!(Request::FULL, Request::INDIRECT | Request::WRITABLE | Request::FORMAT);
    assert_eq!(Request::RECORDS, Request::STRIDES | Request::WRITABLE | Request::FORMAT);
    assert_eq!(Request::CONTIG, Request::ND | Request::WRITABLE);
}

#[test]
fn a_flag_is_set_when_all_its_bits_are() {
    let strides = Request::STRIDES;
    assert!(strides.contains(Request::ND) && !strides.contains(Request::C_CONTIGUOUS));
    assert!(Request::FULL_RO.contains(Request::STRIDES) && !Request::FULL_RO.contains(Request::WRITABLE));
    assert!(!Request::from_bits_retain(0x10).contains(Request::STRIDES));
}

#[test]
fn there_are_26_legal_requests() {
    let mut seen = std::collections::BTreeSet::new();
    for request in Request::ALL_LEGAL {
        assert!(seen.insert(request.bits()), "{request} twice");
        assert!(request.is_legal());
        // `FromStr` is the inverse of `Display`.
        assert_eq!(request.to_string().parse(), Ok(request));
        assert_eq!(format!("{:#x}", request.bits()).parse(), Ok(request));
        assert_eq!(request.bits().to_string().parse(), Ok(request));
    }
    assert_eq!(seen.len(), 26);
    assert!(!Request::FORMAT.is_legal() && !(Request::FORMAT | Request::WRITABLE).is_legal());
}

#[test]
fn requests_have_short_names() {
    let names = [
        (Request::SIMPLE, "SIMPLE"),
        (Request::FULL, "FULL"),
        (Request::ND, "ND"),
        (Request::STRIDES, "STRIDES"),
        (Request::INDIRECT | Request::WRITABLE, "INDIRECT|WRITABLE"),
        (Request::C_CONTIGUOUS | Request::FORMAT, "C_CONTIGUOUS|FORMAT"),
        (Request::ND | Request::FORMAT, "ND|FORMAT"),
        (Request::F_CONTIGUOUS | Request::WRITABLE | Request::FORMAT, "F_CONTIGUOUS|WRITABLE|FORMAT"),
        (Request::from_bits_retain(0x400), "0x400"),
    ];
    for (request, name) in names {
        assert_eq!(request.to_string(), name);
    }
    assert_eq!(" PyBUF_STRIDES | writable ".parse(), Ok(Request::STRIDED));
    assert_eq!("PyBUF_WRITEABLE".parse(), Ok(Request::WRITABLE));
}

#[test]
fn invalid_requests_are_rejected_with_their_rule() {
    let refused = [
        (
            "0x100",
            Some(RuleId::B18),
            "flags 0x100 are PyBUF_READ, which is an argument of PyMemoryView_FromMemory, not a request",
        ),
        (
            "READ",
            Some(RuleId::B18),
            "flags 0x100 are PyBUF_READ, which is an argument of PyMemoryView_FromMemory, not a request",
        ),
        (
            "PyBUF_WRITE",
            Some(RuleId::B18),
            "flags 0x200 contain PyBUF_WRITE, which is an argument of PyMemoryView_FromMemory, not a request",
        ),
        (
            "0x308",
            Some(RuleId::B18),
            "flags 0x308 contain PyBUF_WRITE, which is an argument of PyMemoryView_FromMemory, not a request",
        ),
        ("0x10", Some(RuleId::B17), "flags 0x10 contain only some of the bits of STRIDES, 0x18"),
        ("0x108", Some(RuleId::B17), "flags 0x108 contain only some of the bits of INDIRECT, 0x118"),
        ("0x402", Some(RuleId::B17), "flags 0x402 contain bits that are not part of any flag: 0x402"),
        (
            "-1",
            Some(RuleId::B18),
            "flags 0xffffffff contain PyBUF_WRITE, which is an argument of PyMemoryView_FromMemory, not a request",
        ),
        ("FULL_RW", None, "unknown request `FULL_RW`"),
        ("", None, "unknown request ``"),
    ];
    for (text, rule, message) in refused {
        let error = text.parse::<Request>().unwrap_err();
        let broken = if let RequestError::Flags(error) = error { Some(error.rule()) } else { None };
        assert_eq!((broken, error.to_string().as_str()), (rule, message));
    }
}
