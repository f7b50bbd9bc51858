//! The caches of compiled formats of `pep3118.struct`: `with` calls a function with a compiled format, `get` returns a
//! compiled format, and `clear` clears the caches.
//!
//! The module has two caches. Each thread has a *cache by address*, whose keys are the addresses of format objects. All
//! threads share the *cache by content*, whose keys are the texts of formats.

use pep3118::__private::to_u64;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::compiled::{Caller, Compiled};
use super::errors::not_a_format;
use crate::fastcall::counted;
use crate::layout_argument::LayoutArgument;
use crate::objects;
use pep3118::__private::{Cache, hash};

/// A key of `BY_CONTENT`: the text of a format. A `str` and a `bytes` object with the same characters are different
/// keys, because some error messages differ between `str` and `bytes`.
#[derive(Debug, PartialEq)]
struct FormatKey {
    is_text: bool,
    format: Box<[u8]>,
}

/// A key of `BY_ADDRESS`: a format object. The reference keeps the object alive, so no other object can get the same
/// address.
struct FormatObject(Py<PyAny>);

impl PartialEq for FormatObject {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(&other.0)
    }
}

/// The cache by content: at most 100 formats and 16 MB for all threads. Only formats with thousands of fields reach 16
/// MB.
static BY_CONTENT: Mutex<Cache<FormatKey, Arc<Compiled>>> = Mutex::new(Cache::new(100, 16 << 20));

thread_local! {
    /// The cache by address: the last 8 format objects of this thread. Most programs pass the same object in every
    /// call.
    static BY_ADDRESS: RefCell<Cache<FormatObject, Arc<Compiled>>> = const { RefCell::new(Cache::new(8, 8)) };
}

/// Returns the address of `format`, the hash of `format` in `BY_ADDRESS`.
#[inline]
fn address_hash(format: &Bound<'_, PyAny>) -> u64 {
    // An address has at most 64 bits on every target of Rust.
    to_u64(format.as_ptr().addr())
}

/// Calls `call` with the compiled form of `format`, an argument of a function, and returns the result of `call`.
/// `format` is a format, or another description of a layout, such as a dtype.
///
/// # Errors
/// - `format` is invalid: the errors of [`Compiled::new`], or of [`Compiled::of_layout`] for a layout that is not text
/// - `call` returns an error: the error is returned unchanged
#[inline]
pub(super) fn with<T>(format: &Bound<'_, PyAny>, call: impl Fn(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
    with_format(format, Caller::Function, call)
}

/// Returns the compiled form of `format`, an argument of the class `Struct`.
///
/// # Errors
/// - `format` is invalid: the errors of [`Compiled::new`], or of [`Compiled::of_layout`] for a layout that is not text
pub(super) fn get(format: &Bound<'_, PyAny>) -> PyResult<Arc<Compiled>> {
    with_format(format, Caller::Class, |compiled| Ok(Arc::clone(compiled)))
}

/// Calls `call` with the compiled form of `format`, and returns the result of `call`. `caller` selects the exception
/// for a non-ASCII format. Returns an error if `format` is invalid.
#[inline(always)]
fn with_format<T>(
    format: &Bound<'_, PyAny>,
    caller: Caller,
    call: impl Fn(&Arc<Compiled>) -> PyResult<T>,
) -> PyResult<T> {
    // The cache by address is borrowed during the call, which saves a reference count. If `call` runs Python code
    // that calls this function again, `try_borrow_mut` fails, and the inner call uses the cache by content.
    let called = BY_ADDRESS.try_with(|cache| {
        let mut cache = cache.try_borrow_mut().ok()?;
        let compiled = cache.get(address_hash(format), |object| object.0.is(format))?;
        Some(call(compiled))
    });
    match called {
        Ok(Some(called)) => called,
        _ => call(&counted(format.py(), || find(format, caller))?),
    }
}

/// Returns the compiled form of `format` from the cache by content. If the cache does not contain `format`, compiles
/// `format` and caches the result. Adds the result to the cache by address too. Subclasses of `str` and `bytes`, dtypes
/// and classes are not cached. `caller` selects the exception for a non-ASCII format. Returns an error if `format` is
/// invalid.
#[inline(never)]
fn find(format: &Bound<'_, PyAny>, caller: Caller) -> PyResult<Arc<Compiled>> {
    let content = match (format.cast_exact::<PyString>(), format.cast_exact::<PyBytes>()) {
        // `to_str` fails for lone surrogates. `Compiled::new` then raises the exception of `struct`.
        (Ok(text), _) => text.to_str().ok().map(|text| (true, text.as_bytes())),
        (_, Ok(bytes)) => Some((false, bytes.as_bytes())),
        // A subclass can redefine equality, so its instances are not cached.
        _ if format.is_instance_of::<PyString>() || format.is_instance_of::<PyBytes>() => None,
        _ => {
            // `struct` first looks up the argument in a dict. The look-up of an unhashable argument raises the
            // exception of the dict.
            objects::dict(format.py())?.get_item(format)?;
            let Some(layout) = LayoutArgument::find_format(format)? else { return Err(not_a_format(format)) };
            let compiled = Arc::new(Compiled::of_layout(layout.get(), format.py())?);
            // Only a `Format` is cached, because a dtype or a class can change.
            if layout.is(format) {
                remember(format, &compiled);
            }
            return Ok(compiled);
        }
    };
    let Some((is_text, bytes)) = content else { return Ok(Arc::new(Compiled::new(format, caller)?)) };
    let hash = hash(&[u64::from(is_text)], bytes);
    let cached = {
        let mut cache = BY_CONTENT.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(hash, |key| key.is_text == is_text && *key.format == *bytes).cloned()
    };
    let compiled = match cached {
        Some(compiled) => compiled,
        None => {
            let compiled = Arc::new(Compiled::new(format, caller)?);
            let (key, cost) = (FormatKey { is_text, format: bytes.into() }, compiled.cost());
            let replaced = {
                let mut cache = BY_CONTENT.lock().unwrap_or_else(PoisonError::into_inner);
                cache.insert(hash, key, Arc::clone(&compiled), cost)
            };
            drop(replaced);
            compiled
        }
    };
    remember(format, &compiled);
    Ok(compiled)
}

/// Adds `compiled`, the compiled form of `format`, to the cache by address. Does nothing during a call of [`with`] that
/// uses this cache.
fn remember(format: &Bound<'_, PyAny>, compiled: &Arc<Compiled>) {
    let replaced = BY_ADDRESS.try_with(|cache| {
        let object = FormatObject(format.clone().unbind());
        Some(cache.try_borrow_mut().ok()?.insert(address_hash(format), object, Arc::clone(compiled), 1))
    });
    drop(replaced);
}

/// Clears the cache by content and this thread's cache by address. Each other thread keeps its cache of up to 8
/// formats.
pub(super) fn clear() {
    let recent = BY_ADDRESS.try_with(|cache| Some(cache.try_borrow_mut().ok()?.clear()));
    drop(recent);
    let all = BY_CONTENT.lock().unwrap_or_else(PoisonError::into_inner).clear();
    drop(all);
}
