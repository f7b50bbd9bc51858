//! Tests of the random inputs that the feature `arbitrary` generates.

use std::cell::Cell;
use std::collections::HashSet;

use pep3118::arbitrary::{MAX_ITEMSIZE, StridedBuffer, data_model, format, layout, nearly_valid_format};
use pep3118::{Dialect, Layout};

use crate::property_search::search_until;

#[test]
fn every_dialect_accepts_its_generated_formats() {
    for dialect in Dialect::ALL {
        let found = std::cell::RefCell::new(HashSet::new());
        search_until(
            100,
            || found.borrow().len() > 50,
            |bytes| {
                let model = data_model(bytes)?;
                let (format, layout) = layout(bytes, dialect, &model)?;
                let read = Layout::read(format.as_bytes(), dialect, &model).unwrap();
                assert_eq!(format!("{read:?}"), format!("{layout:?}"));
                assert!(layout.size() <= MAX_ITEMSIZE);
                found.borrow_mut().insert(format);
                Ok(())
            },
        );
    }
}

#[test]
fn generated_formats_of_pep3118_contain_every_construct() {
    let found = std::cell::RefCell::new(HashSet::<&str>::new());
    let wanted = ["T{", "&", "X{}", "(", ":a:", "<", ">", "^", "Zg", "O", "P", "s", "p", "w", "x", "t", "e", "?"];
    search_until(
        200,
        || found.borrow().len() == wanted.len(),
        |bytes| {
            let model = data_model(bytes)?;
            let format = format(bytes, &Dialect::PEP3118, &model)?;
            found.borrow_mut().extend(wanted.iter().filter(|token| format.contains(**token)));
            Ok(())
        },
    );
}

#[test]
fn nearly_valid_formats_are_accepted_and_refused() {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    search_until(
        200,
        || accepted.get() > 100 && refused.get() > 100,
        |bytes| {
            let format = nearly_valid_format(bytes, &Dialect::PEP3118)?;
            let count = if pep3118::parse(&format).is_ok() { &accepted } else { &refused };
            count.set(count.get() + 1);
            Ok(())
        },
    );
}

#[test]
fn strided_buffers_have_a_value_for_each_index() {
    let count = Cell::new(0);
    search_until(
        200,
        || count.get() > 100,
        |bytes| {
            let random = StridedBuffer::new(bytes, &Dialect::NUMPY)?;
            let items: i64 = random.shape().iter().product();
            assert_eq!(random.values().unwrap().len(), usize::try_from(items).unwrap());
            count.set(count.get() + 1);
            Ok(())
        },
    );
}
