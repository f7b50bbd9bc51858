//! The cache of item descriptions, by type or format and by itemsize. `ItemDescription::of_format` uses the cache.
//! `Slot` stores the description of a very common format outside of the cache, without a lock.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::prelude::*;

use super::cache::{CACHED_BYTES, Cache, hash};
use super::item_description::ItemDescription;
use super::open_error::OpenError;
use super::type_layout;
use crate::abi::DataModel;
use crate::align::to_u64;
use crate::layout::{Dialect, Scalar, Type, reconcile};

/// The largest number of cached descriptions.
const CACHED: usize = 256;

impl ItemDescription {
    /// Returns the description of items with the format `format` in the dialect `dialect`. `itemsize` is the size of
    /// an item in bytes. `None` means that the itemsize or the dialect is unknown.
    ///
    /// # Errors
    /// - `format` cannot be parsed, or has another size than `itemsize`: [`OpenError::Format`]
    /// - `format` is ambiguous: [`OpenError::Ambiguous`]
    /// - [`Plan::new`](crate::decode::Plan::new) refuses the layout: [`OpenError::Raised`]
    pub fn of_format(
        format: &[u8],
        itemsize: Option<u64>,
        dialect: Option<&'static Dialect>,
    ) -> Result<Arc<Self>, OpenError> {
        // No item has more than `i64::MAX` bytes. A larger `itemsize` is an error of `reconcile`, and is not cached.
        let known = itemsize.map_or(Some(-1), |itemsize| i64::try_from(itemsize).ok());
        let key = KeyRef { source: Source::Given(dialect), format: Some(format), itemsize: known.unwrap_or(-1) };
        if known.is_some()
            && let Some(found) = key.find()
        {
            return Ok(found);
        }
        let reading = reconcile(format, itemsize, dialect, &DataModel::HOST)?;
        let (rule, certainty) = (reading.dialect.name, reading.certainty);
        let item = Arc::new(Self::new(reading.layout, format.to_vec(), dialect, rule, certainty)?);
        if known.is_some() {
            key.insert(&item, Guard::None);
        }
        Ok(item)
    }
}

/// The source that a layout was read from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The exporter's format in a dialect.
    Format(Option<&'static Dialect>),
    /// The format that the caller gave, in a dialect.
    Given(Option<&'static Dialect>),
    /// The type of the exporter: the address of its dtype, 1 for `type_layout::Kind::Bytes`, or 2 for `Kind::Array`.
    Type(usize),
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: Option<&'static Dialect>, other: Option<&'static Dialect>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => one.name == other.name,
            _ => false,
        };
        match (*self, *other) {
            (Self::Format(one), Self::Format(other)) | (Self::Given(one), Self::Given(other)) => same(one, other),
            (Self::Type(one), Self::Type(other)) => one == other,
            _ => false,
        }
    }
}

/// The key of a cached description: the source of the layout, the format, and the itemsize.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    pub(super) source: Source,
    /// The format of the caller or of the exporter, or `None` if the exporter reported no format.
    format: Option<Box<[u8]>>,
    /// The itemsize in bytes, or -1 if the caller did not give the itemsize.
    pub(super) itemsize: i64,
}

/// A borrowed [`Key`].
#[derive(Clone, Copy)]
pub(super) struct KeyRef<'k> {
    pub(super) source: Source,
    pub(super) format: Option<&'k [u8]>,
    pub(super) itemsize: i64,
}

/// Ensures that the address in a [`Key`] still belongs to the object that it belonged to when the entry was added.
#[derive(Debug)]
pub(super) enum Guard {
    /// The key has no address.
    None,
    /// The cache keeps the object alive. The object is a dtype, which refers to no memory.
    Strong { _dtype: Py<PyAny> },
}

/// The cached descriptions. No Python code runs while the cache is locked.
static DESCRIPTIONS: Mutex<Cache<Key, (Arc<ItemDescription>, Guard)>> = Mutex::new(Cache::new(CACHED, CACHED_BYTES));

/// One cached description for a very common format, such as `d`. A lookup needs no lock, and the description is never
/// dropped.
pub(super) struct Slot(pub(super) OnceLock<Arc<ItemDescription>>);

/// The descriptions of numbers. The first array has the formats without byte order, such as `d`. The second array has
/// the little-endian formats, such as `<d`. The index in each array is the code as an ASCII number.
static NUMBERS: [[Slot; 128]; 2] = [const { [const { Slot(OnceLock::new()) }; 128] }; 2];

/// The description of the items of `bytes` and `bytearray`.
static BYTES: Slot = Slot(OnceLock::new());

impl Slot {
    /// Returns the slot for items that `exporter` describes by `format`, which can still be empty. Returns `None` if
    /// the format has no slot: it has several codes, a byte order other than `<`, or is the `B` of an exporter other
    /// than `bytes` and `bytearray`.
    #[inline]
    pub(super) fn of(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<&'static Self> {
        let [native, little] = &NUMBERS;
        match format? {
            // For other exporters, `B` has no slot, because ctypes writes `B` also for a union.
            [b'B'] if type_layout::is_bytes(exporter) => Some(&BYTES),
            [b'B'] | [b'<', b'B'] => None,
            [code] => native.get(usize::from(*code)),
            [b'<', code] => little.get(usize::from(*code)),
            _ => None,
        }
    }

    /// Stores `item` in the slot if `format` has the same meaning for every exporter that uses the slot. Does nothing
    /// otherwise.
    #[cold]
    pub(super) fn fill(&self, item: &Arc<ItemDescription>, format: Option<&[u8]>) {
        if std::ptr::eq(self, &raw const BYTES) || is_number(format, item.layout().size()) {
            // Another thread may have stored an equal description.
            let _: Result<(), Arc<ItemDescription>> = self.0.set(Arc::clone(item));
        }
    }
}

impl KeyRef<'_> {
    /// Returns the hash of the key for a lookup in the cache.
    pub(super) fn hash(&self) -> u64 {
        let address = match self.source {
            Source::Type(address) => to_u64(address),
            Source::Format(None) => 1,
            Source::Given(None) => 2,
            Source::Format(Some(dialect)) => hash(&[3], dialect.name.as_bytes()),
            Source::Given(Some(dialect)) => hash(&[4], dialect.name.as_bytes()),
        };
        hash(&[address, self.itemsize.unsigned_abs()], self.format.unwrap_or_default())
    }

    /// Returns whether this key is equal to `key`.
    pub(super) fn is(&self, key: &Key) -> bool {
        self.itemsize == key.itemsize && self.source == key.source && self.format == key.format.as_deref()
    }

    /// Returns the cached description for this key. Returns `None` if no description is cached.
    pub(super) fn find(&self) -> Option<Arc<ItemDescription>> {
        let mut cache = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(self.hash(), |key| self.is(key)).map(|(item, _)| Arc::clone(item))
    }

    /// Adds `item` to the cache under this key. `guard` must refer to the object whose address is in the key.
    pub(super) fn insert(&self, item: &Arc<ItemDescription>, guard: Guard) {
        let key = Key { source: self.source, format: self.format.map(Box::from), itemsize: self.itemsize };
        let mut cache = DESCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = cache.insert(self.hash(), key, (Arc::clone(item), guard), item.cost());
        drop(cache);
        drop(replaced);
    }
}

/// Returns whether `format` is the format of one number of `itemsize` bytes. All dialects give such a format the same
/// meaning. Returns `false` for `B` and for `None`, because ctypes writes `B` for a union. Also returns `false` for
/// addresses, because their meaning depends on the type of the exporter.
pub(super) fn is_number(format: Option<&[u8]>, itemsize: u64) -> bool {
    let scalar = Scalar::recognize(format.unwrap_or(b"B"), &DataModel::HOST);
    scalar.is_some_and(|scalar| {
        let address =
            matches!(scalar.ty, Type::Object | Type::Pointer | Type::CharPointer | Type::WcharPointer | Type::Function);
        scalar.size == itemsize && scalar.ty != Type::UInt8 && !address
    })
}
