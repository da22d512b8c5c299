//! Regions: which systems share one market, and how far they are from each other.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use orrery_base::SystemId;
use orrery_game::galaxy::Galaxy;

use crate::market::{Distances, RegionId};

/// Most systems of a region.
const REGION_SYSTEMS_MAX: usize = 48;

/// The regions of a galaxy: each is connected, and follows from the galaxy alone.
///
/// Cost: four bytes for each pair of systems of a region.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    /// By system: its region and its place in it.
    of: BTreeMap<SystemId, (RegionId, u32)>,
    /// By region: its number of systems and the jumps between them, row by row.
    jumps: Vec<(usize, Vec<u32>)>,
}

impl Regions {
    /// Divides a galaxy: from the system of the lowest number that has no region, along the
    /// gates, the nearest first, until a region is full.
    #[must_use]
    pub fn new(galaxy: &Galaxy) -> Self {
        let links: BTreeMap<SystemId, Vec<SystemId>> = galaxy
            .systems
            .iter()
            .map(|system| (system.id, system.neighbours().collect()))
            .collect();
        Self::of_links(&links)
    }

    /// As [`Regions::new`], from the neighbours of each system.
    #[must_use]
    pub fn of_links(links: &BTreeMap<SystemId, Vec<SystemId>>) -> Self {
        let mut regions = Self::default();
        for &seed in links.keys() {
            if regions.of.contains_key(&seed) {
                continue;
            }
            let region = RegionId(u16::try_from(regions.jumps.len()).expect("fewer than 2¹⁶"));
            let mut systems = Vec::new();
            let mut front = VecDeque::from([seed]);
            while let Some(system) = front.pop_front() {
                if systems.len() == REGION_SYSTEMS_MAX || regions.of.contains_key(&system) {
                    continue;
                }
                regions.of.insert(system, (region, systems.len() as u32));
                systems.push(system);
                front.extend(links[&system].iter().copied());
            }
            let jumps = systems
                .iter()
                .flat_map(|&from| distances(from, &systems, links))
                .collect();
            regions.jumps.push((systems.len(), jumps));
        }
        regions
    }

    /// The region of a system; none for one that is not in the galaxy.
    #[must_use]
    pub fn region_of(&self, system: SystemId) -> Option<RegionId> {
        self.of.get(&system).map(|(region, _)| *region)
    }

    /// Every region.
    pub fn all(&self) -> impl Iterator<Item = RegionId> {
        (0..self.jumps.len()).map(|region| RegionId(region as u16))
    }
}

/// Jumps from a system to each of a region, along any gates.
fn distances(
    from: SystemId,
    systems: &[SystemId],
    links: &BTreeMap<SystemId, Vec<SystemId>>,
) -> Vec<u32> {
    let mut found = BTreeMap::from([(from, 0_u32)]);
    let mut front = VecDeque::from([from]);
    let mut missing = systems.len() - 1;
    while let Some(system) = front.pop_front() {
        if missing == 0 {
            break;
        }
        let next = found[&system] + 1;
        for &neighbour in &links[&system] {
            if let Entry::Vacant(new) = found.entry(neighbour) {
                new.insert(next);
                front.push_back(neighbour);
                missing -= usize::from(systems.contains(&neighbour));
            }
        }
    }
    let far = |system| found.get(system).copied().unwrap_or(u32::MAX);
    systems.iter().map(far).collect()
}

impl Distances for Regions {
    fn jumps(&self, from: SystemId, to: SystemId) -> Option<u32> {
        let (&(region, from), &(other, to)) = (self.of.get(&from)?, self.of.get(&to)?);
        if region != other {
            return None;
        }
        let (count, jumps) = &self.jumps[usize::from(region.0)];
        Some(jumps[from as usize * count + to as usize]).filter(|&jumps| jumps != u32::MAX)
    }
}
