//! Where the resolver puts what it finds.

use alloc::vec::Vec;

use super::model::{Layout, NO_NAME, Node};
use super::ty::Type;
use crate::span::Span;

/// Where fields go: into a layout, or nowhere when only the size is asked for.
pub(super) trait Output {
    fn push(&mut self, node: Node);
    fn dimension(&mut self, extent: u64);
    /// Where the next dimension and the next node will be.
    fn marks(&self) -> (u32, u32);
    /// Gives a pushed node what was not known when it was pushed.
    fn complete(&mut self, index: u32, change: impl FnOnce(&mut Node));
    /// Whether two fields of one record have the same name.
    fn first_duplicate(&self, format: &[u8]) -> Option<Span>;
}

impl Output for () {
    fn push(&mut self, _: Node) {}
    fn dimension(&mut self, _: u64) {}
    fn marks(&self) -> (u32, u32) {
        (0, 0)
    }
    fn complete(&mut self, _: u32, _: impl FnOnce(&mut Node)) {}
    fn first_duplicate(&self, _: &[u8]) -> Option<Span> {
        None
    }
}

impl Output for Layout {
    #[inline]
    fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }

    fn dimension(&mut self, extent: u64) {
        self.dims.push(extent);
    }

    #[inline]
    fn marks(&self) -> (u32, u32) {
        (narrow(self.dims.len()), narrow(self.nodes.len()))
    }

    fn complete(&mut self, index: u32, change: impl FnOnce(&mut Node)) {
        let node = usize::try_from(index).ok().and_then(|index| self.nodes.get_mut(index));
        if let Some(node) = node {
            change(node);
        }
    }

    fn first_duplicate(&self, format: &[u8]) -> Option<Span> {
        // Nearly always there is none, and a few names are compared sooner than sorted.
        if self.nodes.len() <= FEW && !has_namesakes(&self.nodes, format) {
            return None;
        }
        let mut names: Vec<(u32, &[u8], Span)> = Vec::new();
        let mut open: Vec<(u32, u32)> = Vec::new();
        for (index, node) in (0_u32..).zip(&self.nodes) {
            while open.last().is_some_and(|(_, end)| *end <= index) {
                open.pop();
            }
            if node.name != NO_NAME {
                names.push((open.last().map_or(0, |(record, _)| *record), node.name.of(format), node.name));
            }
            if node.ty == Type::Record {
                open.push((index, node.end));
            }
        }
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        pairs.find(|(a, b)| (a.0, a.1) == (b.0, b.1)).map(|(_, second)| second.2)
    }
}

/// Nodes whose names are compared with one another.
const FEW: usize = 16;

/// Whether two nodes have the same name, be it in one record or in two.
fn has_namesakes(nodes: &[Node], format: &[u8]) -> bool {
    let named = |node: &&Node| node.name != NO_NAME;
    nodes.iter().enumerate().filter(|(_, node)| named(node)).any(|(index, node)| {
        let later = nodes.iter().skip(index.saturating_add(1)).filter(named);
        later
            .filter(|other| other.name.len() == node.name.len())
            .any(|other| other.name.of(format) == node.name.of(format))
    })
}

#[inline]
pub(super) fn narrow(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
