//! `Cache`: a map of limited size. A new entry replaces the least recently used entries. `hash`: a fast hash for the
//! keys of such a map.

use crate::align::to_u64;

/// The largest sum of the costs of all entries of one cache of this library, in bytes.
pub(super) const CACHED_BYTES: usize = 16 << 20;

/// A map of at most a few hundred entries. The number of entries and the sum of their costs have a limit.
///
/// A lookup compares the hashes of all entries. For a few hundred entries, this is as fast as a hash table, because
/// the hashes are contiguous in memory. Each entry stores the time of its last use.
#[derive(Debug)]
pub struct Cache<K, V> {
    /// The largest number of entries.
    most: usize,
    /// The largest sum of the costs of all entries.
    most_cost: usize,
    /// The hash of each entry. `hashes[i]` is the hash of the key of `entries[i]`.
    hashes: Vec<u64>,
    entries: Vec<Entry<K, V>>,
    /// The sum of the costs of all entries.
    cost: usize,
    /// The number of successful lookups and insertions so far.
    clock: u64,
}

/// An entry of a [`Cache`].
#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    cost: usize,
    /// The value of `clock` at the insertion of the entry, or at the last lookup that found the entry.
    used: u64,
}

impl<K, V> Cache<K, V> {
    /// Creates a cache of at most `most` entries, whose costs have a sum of at most `most_cost`.
    pub const fn new(most: usize, most_cost: usize) -> Self {
        Self { most, most_cost, hashes: Vec::new(), entries: Vec::new(), cost: 0, clock: 0 }
    }

    /// Returns the value of the first entry that has the hash `hash` and for whose key `is` returns `true`. Returns
    /// `None` if there is no such entry.
    #[inline]
    pub fn get(&mut self, hash: u64, is: impl Fn(&K) -> bool) -> Option<&V> {
        let at = self.position(hash, is)?;
        self.clock = self.clock.wrapping_add(1);
        let entry = self.entries.get_mut(at)?;
        entry.used = self.clock;
        Some(&entry.value)
    }

    /// Adds an entry with the key `key`, the value `value` and the cost `cost`. `hash` must be the hash of `key`.
    /// Returns the entries that were removed because of the limits or because of an equal key. If `cost` alone exceeds
    /// the limit, adds nothing and returns the new entry. If a lock protects the cache, the caller must release the
    /// lock before it drops the returned entries.
    #[must_use = "dropping an entry may run Python code"]
    pub fn insert(&mut self, hash: u64, key: K, value: V, cost: usize) -> Vec<(K, V)>
    where
        K: PartialEq,
    {
        let mut replaced = Vec::new();
        if cost > self.most_cost || self.most == 0 {
            replaced.push((key, value));
            return replaced;
        }
        if let Some(at) = self.position(hash, |other| *other == key) {
            replaced.push(self.remove(at));
        }
        while self.entries.len() >= self.most || self.cost.saturating_add(cost) > self.most_cost {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used);
            let Some((at, _)) = oldest else { break };
            replaced.push(self.remove(at));
        }
        self.clock = self.clock.wrapping_add(1);
        self.hashes.push(hash);
        self.entries.push(Entry { key, value, cost, used: self.clock });
        self.cost = self.cost.saturating_add(cost);
        replaced
    }

    /// Removes and returns all entries. If a lock protects the cache, the caller must release the lock before it drops
    /// the returned entries.
    #[must_use = "dropping an entry may run Python code"]
    pub fn clear(&mut self) -> Vec<(K, V)> {
        self.hashes.clear();
        self.cost = 0;
        self.entries.drain(..).map(|entry| (entry.key, entry.value)).collect()
    }

    /// Returns the index of the first entry that has the hash `hash` and for whose key `is` returns `true`. Returns
    /// `None` if there is no such entry.
    #[inline]
    fn position(&self, hash: u64, is: impl Fn(&K) -> bool) -> Option<usize> {
        let same = |(at, _): &(usize, &u64)| self.entries.get(*at).is_some_and(|entry| is(&entry.key));
        self.hashes.iter().enumerate().filter(|(_, other)| **other == hash).find(same).map(|(at, _)| at)
    }

    /// Removes the entry with the index `at`, which must exist, and returns its key and its value. The last entry moves
    /// to the index `at`.
    fn remove(&mut self, at: usize) -> (K, V) {
        self.hashes.swap_remove(at);
        let entry = self.entries.swap_remove(at);
        self.cost = self.cost.saturating_sub(entry.cost);
        (entry.key, entry.value)
    }
}

/// Returns a hash of `numbers` and of `text`. From `text`, only the length, the first 8 bytes and the last 8 bytes
/// count. Different texts can have an equal hash, so `Cache::get` must also compare the keys.
#[inline]
pub fn hash(numbers: &[u64], text: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, number: u64| (hash ^ number).wrapping_mul(PRIME).rotate_left(29);
    let last = text.last_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    let first = text.iter().take(8).fold(0, |number, byte| (number << 8_u32) | u64::from(*byte));
    let len = to_u64(text.len());
    numbers.iter().chain(&[len, first, last]).fold(PRIME, |hash, number| mix(hash, *number))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_is_replaced() {
        let mut cache = Cache::new(2, 100);
        assert!(cache.insert(1, "a", 1, 10).is_empty());
        assert!(cache.insert(1, "b", 2, 10).is_empty());
        assert_eq!(cache.get(1, |key| *key == "a"), Some(&1));
        assert_eq!(cache.insert(2, "c", 3, 10), [("b", 2)]);
        assert_eq!(cache.get(1, |key| *key == "b"), None);
        assert_eq!(cache.get(2, |key| *key == "c"), Some(&3));
    }

    #[test]
    fn the_sum_of_the_costs_is_bounded() {
        let mut cache = Cache::new(10, 100);
        assert_eq!(cache.insert(1, "large", 0, 101), [("large", 0)]);
        assert!(cache.insert(1, "a", 1, 60).is_empty());
        assert!(cache.insert(2, "b", 2, 40).is_empty());
        assert_eq!(cache.insert(3, "c", 3, 1), [("a", 1)]);
        assert_eq!(cache.cost, 41);
    }

    #[test]
    fn a_key_has_one_value() {
        let mut cache = Cache::new(10, 100);
        assert!(cache.insert(1, "a", 1, 1).is_empty());
        assert_eq!(cache.insert(1, "a", 2, 1), [("a", 1)]);
        assert_eq!(cache.get(1, |key| *key == "a"), Some(&2));
    }

    #[test]
    fn a_cleared_cache_has_no_cost() {
        let mut cache = Cache::new(10, 100);
        assert!(cache.insert(1, "a", 1, 100).is_empty());
        assert_eq!(cache.clear(), [("a", 1)]);
        assert_eq!(cache.get(1, |_| true), None);
        assert!(cache.insert(1, "b", 1, 100).is_empty());
    }

    #[test]
    fn hashes_differ_where_texts_do() {
        assert_ne!(hash(&[1], b"<i"), hash(&[1], b"<h"));
        assert_ne!(hash(&[1], b"<i"), hash(&[2], b"<i"));
        assert_ne!(hash(&[], b"T{<i:a:<i:b:}"), hash(&[], b"T{<i:a:<i:c:}"));
    }
}
