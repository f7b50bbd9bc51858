//! The compiled formats that were used last.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::compiled::Compiled;
use super::errors::not_a_format;
use crate::fastcall::counted;
use pep3118::__private::{Cache, hash};

/// A format as the caller gave it: equal strings of text and of bytes are two formats.
#[derive(Debug, PartialEq)]
struct FormatKey {
    is_text: bool,
    format: Box<[u8]>,
}

/// A format object. It is held, so that its address is that of no other object.
struct FormatObject(Py<PyAny>);

impl PartialEq for FormatObject {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(&other.0)
    }
}

/// The formats of all threads, by their content. 16 MB hold all of them unless they have many thousand fields.
static BY_CONTENT: Mutex<Cache<FormatKey, Arc<Compiled>>> = Mutex::new(Cache::new(100, 16 << 20));

thread_local! {
    /// The formats that this thread used last, by their address: programs mostly pass the same object.
    static BY_ADDRESS: RefCell<Cache<FormatObject, Arc<Compiled>>> = const { RefCell::new(Cache::new(8, 8)) };
}

#[inline]
fn address_hash(format: &Bound<'_, PyAny>) -> u64 {
    u64::try_from(format.as_ptr().addr()).unwrap_or(u64::MAX)
}

/// Calls `call` with the compiled format.
///
/// # Errors
/// - a format that cannot be read: `struct.error`
/// - an object other than `str` and `bytes`: `TypeError`
/// - an error of `call`
#[inline]
pub(super) fn with<'py, T>(format: &Bound<'py, PyAny>, call: impl Fn(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    // The cache is borrowed during the call. Calls in the call find it borrowed, and the other one not.
    let called = BY_ADDRESS.try_with(|cache| {
        let mut cache = cache.try_borrow_mut().ok()?;
        let compiled = cache.get(address_hash(format), |object| object.0.is(format))?;
        Some(call(compiled))
    });
    match called {
        Ok(Some(called)) => called,
        _ => call(&counted(format.py(), || find(format))?),
    }
}

/// The compiled format, from the cache of all threads or a new one.
#[inline(never)]
fn find(format: &Bound<'_, PyAny>) -> PyResult<Arc<Compiled>> {
    let content = match (format.cast_exact::<PyString>(), format.cast_exact::<PyBytes>()) {
        // Lone surrogates: `Compiled::new` raises the exception.
        (Ok(text), _) => text.to_str().ok().map(|text| (true, text.as_bytes())),
        (_, Ok(bytes)) => Some((false, bytes.as_bytes())),
        // Subclasses of `str` and `bytes` may compare in other ways.
        _ if format.is_instance_of::<PyString>() || format.is_instance_of::<PyBytes>() => None,
        _ => {
            // `struct` looks an argument up in its dict of formats first, so that a list is not hashable.
            PyDict::new(format.py()).get_item(format)?;
            return Err(not_a_format(format));
        }
    };
    let Some((is_text, bytes)) = content else { return Ok(Arc::new(Compiled::new(format)?)) };
    let hash = hash(&[u64::from(is_text)], bytes);
    let cached = {
        let mut cache = BY_CONTENT.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(hash, |key| key.is_text == is_text && *key.format == *bytes).cloned()
    };
    let compiled = match cached {
        Some(compiled) => compiled,
        None => {
            let compiled = Arc::new(Compiled::new(format)?);
            let (key, cost) = (FormatKey { is_text, format: bytes.into() }, compiled.cost());
            let replaced = {
                let mut cache = BY_CONTENT.lock().unwrap_or_else(PoisonError::into_inner);
                cache.insert(hash, key, Arc::clone(&compiled), cost)
            };
            drop(replaced);
            compiled
        }
    };
    let replaced = BY_ADDRESS.try_with(|cache| {
        let object = FormatObject(format.clone().unbind());
        Some(cache.try_borrow_mut().ok()?.insert(address_hash(format), object, Arc::clone(&compiled), 1))
    });
    drop(replaced);
    Ok(compiled)
}

/// Forgets the formats of all threads, and those that this thread used last. Other threads keep up to 8 each.
pub(super) fn clear() {
    let recent = BY_ADDRESS.try_with(|cache| Some(cache.try_borrow_mut().ok()?.clear()));
    drop(recent);
    let all = BY_CONTENT.lock().unwrap_or_else(PoisonError::into_inner).clear();
    drop(all);
}
