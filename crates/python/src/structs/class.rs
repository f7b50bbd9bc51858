//! The Python class `Struct` of `pep3118.struct`: a compiled format that can be replaced by another call of `__init__`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::objects::{Number, Text, Unsigned};
use pep3118::__private::to_u64;
use pep3118::__private::{arguments, text};
use pep3118::name;
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::behavior::{Behavior, FormatBeforeInit};
use crate::errors::{class_name, qualified_class_name};
use crate::objects;
use pep3118::__private::escape;

use super::compiled::Compiled;
use super::initialize::{CallArguments, compile, compile_in_new, overrides, warn_other_format};
use super::offset::Offset;

/// A compiled format, with methods that pack and unpack items.
///
/// An unpacked item is a tuple with the values of the format's top level. A count such as `3i` means three values. An
/// array with a shape is a list, and a record is a tuple.
///
/// >>> from pep3118.struct import Struct
/// >>> tick = Struct("T{<H:id:<d:price:}")
/// >>> tick.size, tick.pack((7, 9.5)).hex()
/// (10, '07000000000000002340')
/// >>> tick.unpack(bytes.fromhex("07000000000000002340"))
/// ((7, 9.5),)
#[pyclass(frozen, subclass, weakref, name = "Struct", module = "pep3118.struct")]
#[derive(Debug)]
pub(crate) struct Struct {
    /// The format that was set first. Methods read this field without a lock, because a second format is rare.
    first: OnceLock<Arc<Compiled>>,
    /// Whether `__init__` was called. From CPython 3.15 on, `__new__` sets `first` before `__init__` is called.
    is_initialized: AtomicBool,
    /// Whether `last` contains a format, because a second format was set.
    has_last: AtomicBool,
    /// The format that was set last, if more than one format was set.
    ///
    /// INVARIANT: no Python code runs while this lock is held. Python code could call a method of the same object,
    /// which would wait for the lock forever.
    last: RwLock<Option<Arc<Compiled>>>,
}

impl Struct {
    /// Returns the format that was set last, or `None` if no format was set.
    #[inline]
    fn current(&self) -> Option<Arc<Compiled>> {
        if self.has_last.load(Ordering::Acquire) {
            let last = self.last.read().unwrap_or_else(PoisonError::into_inner).clone();
            if last.is_some() {
                return last;
            }
        }
        self.first.get().cloned()
    }

    /// Calls `call` with the format that was set last, and returns the result of `call`.
    ///
    /// # Errors
    /// - no format was set: `RuntimeError`
    /// - `call` returns an error: the error is returned unchanged
    #[inline]
    pub(super) fn with<T>(&self, call: impl FnOnce(&Arc<Compiled>) -> PyResult<T>) -> PyResult<T> {
        if self.has_last.load(Ordering::Acquire)
            && let Some(last) = self.current()
        {
            return call(&last);
        }
        match self.first.get() {
            Some(first) => call(first),
            None => Err(uninitialized()),
        }
    }

    /// Returns the format that was set last, or `None` if no format was set.
    ///
    /// # Errors
    /// - no format was set, and the interpreter is CPython 3.14 or later: `RuntimeError`
    fn current_or_error(&self, py: Python<'_>) -> PyResult<Option<Arc<Compiled>>> {
        match self.current() {
            None if Behavior::current(py).format_before_init != FormatBeforeInit::Empty => Err(uninitialized()),
            current => Ok(current),
        }
    }

    /// Replaces the compiled format by `new`, for a call of `__init__`.
    fn set(&self, new: Arc<Compiled>) {
        self.is_initialized.store(true, Ordering::Relaxed);
        let Err(new) = self.first.set(new) else { return };
        let old = self.last.write().unwrap_or_else(PoisonError::into_inner).replace(new);
        self.has_last.store(true, Ordering::Release);
        // The lock is released before `old` is deleted, because deleting the last reference can run Python code.
        drop(old);
    }
}

/// Creates the exception for a method call on an object without a format.
#[cold]
fn uninitialized() -> PyErr {
    objects::error::<PyRuntimeError>("Struct object is not initialized")
}

#[pymethods]
impl Struct {
    /// Creates an object. Before CPython 3.15 the arguments are ignored: `__init__` sets the format, and a subclass can
    /// have an `__init__` with other parameters. From CPython 3.15 on, `__new__` sets the format.
    #[new]
    #[classmethod]
    #[pyo3(signature = (*arguments, **options), text_signature = "(*_arguments, **_options)")]
    fn new(
        class: &Bound<'_, PyType>,
        arguments: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let first = OnceLock::new();
        if Behavior::current(class.py()).new_compiles
            && let Some(compiled) = compile_in_new(class, CallArguments { positional: arguments, keyword: options })?
        {
            first.get_or_init(|| compiled);
        }
        let (is_initialized, has_last) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { first, is_initialized, has_last, last: RwLock::new(None) })
    }

    #[pyo3(signature = (*arguments, **options))]
    fn __init__(
        slf: &Bound<'_, Self>,
        arguments: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let arguments = CallArguments { positional: arguments, keyword: options };
        let current = if Behavior::current(py).new_compiles { this.current() } else { None };
        let Some(current) = current else {
            this.set(compile(&arguments.format()?)?);
            return Ok(());
        };
        let is_initialized = this.is_initialized.load(Ordering::Relaxed);
        // A call of the class calls `__new__`, which sets the format, and then `__init__`.
        let is_implicit = !is_initialized && !overrides(&slf.get_type(), name!(py, "__init__"))?;
        if is_implicit {
            this.is_initialized.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let format = arguments.format()?;
        if current.has_format(&format)? {
            this.is_initialized.store(true, Ordering::Relaxed);
            return Ok(());
        }
        warn_other_format(py, is_initialized)?;
        this.set(compile(&format)?);
        Ok(())
    }

    /// The format as text.
    #[getter]
    fn format<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyString>> {
        let py = slf.py();
        if let Some(compiled) = slf.get().current() {
            return Ok(compiled.format(py));
        }
        match Behavior::current(py).format_before_init {
            FormatBeforeInit::Empty => text(py, ""),
            FormatBeforeInit::RuntimeError => Err(uninitialized()),
            FormatBeforeInit::AttributeError => {
                let class = qualified_class_name(slf.as_any())?;
                let message = format!("'{class}' object has no attribute 'format'");
                Err(objects::error::<PyAttributeError>(message))
            }
        }
    }

    /// The size of an item in bytes, or -1 if the object has no format.
    #[getter]
    fn size(&self) -> Number {
        // A layout has at most `isize::MAX` bytes, so the default is never used.
        Number(self.current().map_or(-1, |compiled| i64::try_from(compiled.size()).unwrap_or(i64::MAX)))
    }

    /// Returns the values of the item at byte `offset` of `buffer`. A negative offset counts from the end.
    ///
    /// >>> from pep3118.struct import Struct
    /// >>> Struct(">h").unpack_from(b"\x00\x01\x00\x02", -2)
    /// (2,)
    #[pyo3(signature = (buffer, offset = Offset(0)), text_signature = "($self, buffer, offset=0)")]
    fn unpack_from<'py>(&self, buffer: &Bound<'py, PyAny>, offset: Offset) -> PyResult<Bound<'py, PyTuple>> {
        self.with(|compiled| compiled.unpack_from(buffer, offset.0))
    }

    /// The size of the object and an estimate of the memory of its format, in bytes.
    fn __sizeof__(slf: &Bound<'_, Self>) -> PyResult<Unsigned> {
        let format = slf.get().current_or_error(slf.py())?.map_or(0, |compiled| compiled.cost());
        let object =
            PyAny::type_object(slf.py()).call_method1(name!(slf.py(), "__sizeof__"), arguments(slf.py(), [slf])?)?;
        Ok(Unsigned(to_u64(object.extract::<usize>()?.saturating_add(format))))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<Text<String>> {
        slf.get().current_or_error(slf.py())?;
        let format = Self::format(slf)?.repr()?;
        Ok(Text(format!("{}({})", class_name(slf.as_any())?, escape(&*format.to_string_lossy()))))
    }
}
