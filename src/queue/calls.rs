//! The calls in the engine by their number: an engine with 100 000 of them finds each as quickly as one of a hundred.
//!
//! Looked up only: nothing goes through all of them but the snapshot, in order of their numbers.

use std::collections::BTreeMap;
use std::collections::HashMap; // looked up only
use std::hash::BuildHasherDefault;
use std::hash::Hasher;
use std::ops::Index;
use std::ops::IndexMut;

use serde::Deserialize;
use serde::Serialize;
use serde::Serializer;

use super::waits::Call;
use crate::base::CallId;

/// Calls by number.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "BTreeMap<CallId, Call>")]
pub(super) struct Calls(HashMap<CallId, Box<Call>, BuildHasherDefault<Scatter>>); // looked up only

impl Calls {
    pub fn get(&self, id: CallId) -> Option<&Call> {
        self.0.get(&id).map(|call| &**call)
    }

    pub fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.0.get_mut(&id).map(|call| &mut **call)
    }

    pub fn has(&self, id: CallId) -> bool {
        self.0.contains_key(&id)
    }

    pub fn insert(&mut self, id: CallId, call: Call) {
        self.0.insert(id, Box::new(call));
    }

    pub fn remove(&mut self, id: CallId) -> Option<Box<Call>> {
        self.0.remove(&id)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The numbers, in order.
    pub fn ids(&self) -> Vec<CallId> {
        self.sorted().into_keys().collect()
    }

    /// In the order of their numbers: for snapshots.
    fn sorted(&self) -> BTreeMap<CallId, &Call> {
        self.0.iter().map(|(id, call)| (*id, &**call)).collect()
    }
}

impl Index<&CallId> for Calls {
    type Output = Call;

    fn index(&self, id: &CallId) -> &Call {
        &self.0[id]
    }
}

impl IndexMut<&CallId> for Calls {
    fn index_mut(&mut self, id: &CallId) -> &mut Call {
        self.get_mut(*id).expect("a call that is named inside the engine is in it")
    }
}

impl From<BTreeMap<CallId, Call>> for Calls {
    fn from(calls: BTreeMap<CallId, Call>) -> Calls {
        Calls(calls.into_iter().map(|(id, call)| (id, Box::new(call))).collect())
    }
}

impl Serialize for Calls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

/// Scatters numbers that are mostly one after the other. The engine is not open to numbers that somebody chose to
/// collide: the server counts its calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Scatter(u64);

impl Hasher for Scatter {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
