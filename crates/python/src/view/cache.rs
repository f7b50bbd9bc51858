//! Items that were worked out before.
//!
//! Programs open the same kind of memory again and again. A format says the same each time; a dtype too,
//! whose offsets never change. Its names can, and they are part of the format.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use super::items::Items;

/// How many kinds are kept. They are gone through one by one.
const KEPT: usize = 16;
/// The longest format that is kept, in bytes.
const KEPT_LEN: usize = 1 << 10;

/// What tells one kind of items from another.
#[derive(Clone, Copy)]
pub(super) struct Kind<'k, 'py> {
    /// The dtype of the exporter; `None` where the format is all there is to know.
    pub(super) dtype: Option<&'k Bound<'py, PyAny>>,
    /// The exporter's format.
    pub(super) format: &'k [u8],
    /// Bytes of an item.
    pub(super) itemsize: i64,
}

struct Known {
    /// Held, so that no other object gets its address.
    dtype: Option<Py<PyAny>>,
    format: Box<[u8]>,
    itemsize: i64,
    items: Arc<Items>,
}

impl Known {
    fn is(&self, kind: Kind<'_, '_>) -> bool {
        let same = match (&self.dtype, kind.dtype) {
            (None, None) => true,
            (Some(own), Some(other)) => own.is(other),
            _ => false,
        };
        same && self.itemsize == kind.itemsize && *self.format == *kind.format
    }
}

/// The latest first. No Python code runs while it is locked.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// The items of a kind, if they are known.
pub(super) fn find(kind: Kind<'_, '_>) -> Option<Arc<Items>> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.iter().find(|known| known.is(kind)).map(|known| Arc::clone(&known.items))
}

/// Keeps the items of a kind in place of those that were kept longest.
pub(super) fn keep(kind: Kind<'_, '_>, items: &Arc<Items>) {
    if kind.format.len() > KEPT_LEN {
        return;
    }
    let Kind { dtype, format, itemsize } = kind;
    let dtype = dtype.map(|dtype| dtype.clone().unbind());
    let new = Known { dtype, format: format.into(), itemsize, items: Arc::clone(items) };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(0, new);
    let old = if known.len() > KEPT { known.pop() } else { None };
    drop(known);
    // Not under the lock: it may be the last that holds the dtype.
    drop(old);
}
