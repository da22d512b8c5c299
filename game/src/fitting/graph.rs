//! The attribute graph of a fit: collects rows, applies them, reads off the result.

use super::stats::{bloomed, law};
use super::{DroneStats, Fit, Fitted, ModuleState, ModuleStats, Share, ShipStats, Skills};
use crate::afterburner::boosted_speed;
use crate::attribute::{Attribute, Modifier, Values, evaluate, evaluate_row, hundredths, settled};
use crate::content::{
    ARMOUR, ChargeType, Content, DAMAGE, DroneType, Effect, Flight, HEAT, HULL, Index, ModuleType,
    Rack, SENSORS, SHIELD, ShipType, Size, Target, Wired,
};

/// Targets that a pilot without skills can hold.
const PILOT_TARGETS: f64 = 2.0;
/// How far drones obey a pilot without skills, m.
const DRONE_RANGE_M: f64 = 20_000.0;
const LITRES_PER_M3: f64 = 1_000.0;

/// The ship is the first node.
const SHIP: usize = 0;

/// Something that has values.
struct Node {
    values: Values,
    /// The number of its group; zero for the ship.
    group: u16,
    size: Option<Size>,
    is_drone: bool,
}

/// A change of one value of one node.
struct Change {
    node: usize,
    attribute: Attribute,
    modifier: Modifier,
}

/// A module of the fit that the content knows.
struct Placed<'a> {
    fitted: &'a Fitted,
    kind: &'a ModuleType,
    /// Its index in the content's table.
    index: usize,
    /// Its charge, with the index in the content's table and the node.
    charge: Option<(&'a ChargeType, usize, usize)>,
}

struct Graph<'a> {
    content: &'a Content,
    skills: &'a Skills,
    nodes: Vec<Node>,
    changes: Vec<Change>,
    placed: Vec<Placed<'a>>,
    drones: Vec<(&'a DroneType, u16, usize)>,
}

/// Derives everything of a fit, whether it fits or not; what the content does not know counts
/// for nothing. `None` if the hull is unknown.
#[must_use]
pub fn derive(content: &Content, fit: &Fit) -> Option<ShipStats> {
    let hull = content.ship(fit.hull)?;
    let mut graph = Graph::new(content, hull, fit);
    graph.collect(hull);
    graph.apply();
    Some(graph.stats(hull))
}

impl Node {
    fn new(group: u16, size: Option<Size>) -> Self {
        Self {
            values: [0.0; Attribute::COUNT],
            group,
            size,
            is_drone: false,
        }
    }

    fn set(&mut self, attribute: Attribute, value: f64) {
        self.values[attribute as usize] = value;
    }

    fn at(&self, attribute: Attribute) -> f64 {
        self.values[attribute as usize]
    }

    fn all<const N: usize>(&self, attributes: [Attribute; N]) -> [f64; N] {
        attributes.map(|it| self.at(it))
    }

    /// The derived parameters of an effect.
    fn effect(&self, base: Effect) -> Effect {
        let mut effect = base;
        effect.visit(&mut |attribute, value| *value = self.at(attribute));
        effect
    }
}

fn ship_node(hull: &ShipType) -> Node {
    use Attribute as A;
    let mut node = Node::new(0, Some(hull.systems.size));
    hull.systems
        .visit(&mut |_, attribute, value| node.set(attribute, value));
    node.set(A::ShieldHp, f64::from(hull.shield_hp));
    node.set(A::ArmourHp, f64::from(hull.armour_hp));
    node.set(A::HullHp, f64::from(hull.hull_hp));
    node.set(A::MassKg, hull.mass_kg);
    node.set(A::Inertia, hull.inertia);
    node.set(A::MaxSpeed, hull.max_speed_m_per_s);
    node.set(A::CargoM3, f64::from(hull.cargo_m3));
    node.set(A::PilotTargets, PILOT_TARGETS);
    node.set(A::DroneRangeM, DRONE_RANGE_M);
    node
}

impl<'a> Graph<'a> {
    fn new(content: &'a Content, hull: &ShipType, fit: &'a Fit) -> Self {
        let index = content.index();
        let mut nodes = vec![ship_node(hull)];
        let mut placed: Vec<Placed<'_>> = Vec::with_capacity(fit.modules().len());
        for fitted in fit.modules() {
            let Some(at) = content.module_at(fitted.module) else {
                continue;
            };
            let kind = &content.modules()[at];
            let mut node = Node::new(index.module_groups[at], kind.size);
            kind.visit(&mut |_, attribute, value| node.set(attribute, value));
            nodes.push(node);
            placed.push(Placed {
                fitted,
                kind,
                index: at,
                charge: None,
            });
        }
        for place in &mut placed {
            let loaded = place.fitted.charge.and_then(|it| content.charge_at(it.0));
            let Some(at) = loaded else {
                continue;
            };
            let kind = &content.charges()[at];
            let mut node = Node::new(index.charge_groups[at], kind.size);
            kind.visit(&mut |_, attribute, value| node.set(attribute, value));
            place.charge = Some((kind, at, nodes.len()));
            nodes.push(node);
        }
        let mut drones = Vec::with_capacity(fit.drones().len());
        for &(drone, count) in fit.drones() {
            let Some(at) = content.drone_at(drone) else {
                continue;
            };
            let kind = &content.drones()[at];
            let mut node = Node::new(index.drone_groups[at], Some(kind.size));
            node.is_drone = true;
            kind.visit(&mut |_, attribute, value| node.set(attribute, value));
            drones.push((kind, count, nodes.len()));
            nodes.push(node);
        }
        Self {
            content,
            skills: &fit.skills,
            nodes,
            changes: Vec::with_capacity(128),
            placed,
            drones,
        }
    }

    /// Collects the changes of both tiers.
    fn collect(&mut self, hull: &ShipType) {
        let content = self.content;
        let index = content.index();
        let mut bonuses = Vec::new();
        for &(skill, level) in self.skills.levels() {
            if let Some(at) = content.skill_at(skill) {
                let rows = &index.skills[at];
                self.rows(rows, None, f64::from(level), &mut bonuses);
            }
        }
        if let Some(at) = content.ship_at(hull.id) {
            self.rows(&index.hulls[at], None, 1.0, &mut bonuses);
        }
        for at in 0..self.placed.len() {
            let place = &self.placed[at];
            let own = Some(at + 1);
            let is_overheated = place.fitted.state == ModuleState::Overheated;
            let [charge, module] = [place.charge.map(|it| it.1), Some(place.index)];
            if let Some(charge) = charge {
                self.rows(&index.charges[charge], own, 1.0, &mut bonuses);
            }
            if let Some(module) = module.filter(|_| is_overheated) {
                self.rows(&index.modules[module][2], own, 1.0, &mut bonuses);
            }
        }
        self.collect_modules(index, &bonuses);
    }

    /// The rows of modules themselves, as changed by the first tier.
    fn collect_modules(&mut self, index: &Index, bonuses: &[(usize, Attribute, Modifier)]) {
        for at in 0..self.placed.len() {
            let (module, state) = (self.placed[at].index, self.placed[at].fitted.state);
            let [passive, active, _] = &index.modules[module];
            let counted = match state {
                ModuleState::Offline => [&[][..], &[][..]],
                ModuleState::Online => [&passive[..], &[][..]],
                ModuleState::Active | ModuleState::Overheated => [&passive[..], &active[..]],
            };
            for row in counted.into_iter().flatten() {
                let mut own: Vec<Modifier> = bonuses
                    .iter()
                    .filter(|(node, attribute, _)| *node == at + 1 && *attribute == row.attribute)
                    .map(|it| it.2)
                    .collect();
                let mut modifier = row.modifier;
                modifier.value = evaluate_row(modifier.value, &mut own) * self.level_of(row);
                self.change(row, Some(at + 1), modifier);
            }
        }
    }

    fn level_of(&self, row: &Wired) -> f64 {
        row.skill.map_or(1.0, |it| f64::from(self.skills.level(it)))
    }

    /// Takes rows of the first tier; what they change of rows goes to `bonuses`.
    fn rows(
        &mut self,
        rows: &[Wired],
        own: Option<usize>,
        times: f64,
        bonuses: &mut Vec<(usize, Attribute, Modifier)>,
    ) {
        for row in rows {
            let mut modifier = row.modifier;
            modifier.value *= times * self.level_of(row);
            if row.skill.is_some() && modifier.value == 0.0 {
                // No level: the row does not count, and a factor of zero must not either.
                continue;
            }
            if row.is_bonus {
                let nodes = self.targets(row, own);
                bonuses.extend(nodes.map(|node| (node, row.attribute, modifier)));
            } else {
                self.change(row, own, modifier);
            }
        }
    }

    /// The nodes that a row is about.
    fn targets<'s>(
        &'s self,
        row: &'s Wired,
        own: Option<usize>,
    ) -> impl Iterator<Item = usize> + 's {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(move |(at, node)| {
            let is_meant = match row.target {
                Target::Ship => at == SHIP,
                Target::Own => Some(at) == own,
                Target::Drones => node.is_drone,
                Target::Group(group) => at != SHIP && node.group == group,
            };
            let is_of_size = row.size.is_none() || row.size == node.size;
            (is_meant && is_of_size).then_some(at)
        })
    }

    fn change(&mut self, row: &Wired, own: Option<usize>, modifier: Modifier) {
        let nodes: Vec<usize> = self.targets(row, own).collect();
        self.changes.extend(nodes.into_iter().map(|node| Change {
            node,
            attribute: row.attribute,
            modifier,
        }));
    }

    /// Applies all changes, value by value.
    fn apply(&mut self) {
        self.changes.sort_by_key(|it| (it.node, it.attribute));
        let mut run: Vec<Modifier> = Vec::new();
        let mut at = 0;
        while let Some(first) = self.changes.get(at) {
            let (node, attribute) = (first.node, first.attribute);
            run.clear();
            let same = self.changes[at..].iter();
            let same = same.take_while(|it| it.node == node && it.attribute == attribute);
            run.extend(same.map(|it| it.modifier));
            at += run.len();
            let base = self.nodes[node].at(attribute);
            self.nodes[node].set(attribute, evaluate(attribute, base, &mut run));
        }
    }

    fn stats(&self, hull: &ShipType) -> ShipStats {
        use Attribute as A;
        let ship = &self.nodes[SHIP];
        let modules: Vec<ModuleStats> = (0..self.placed.len()).map(|at| self.module(at)).collect();
        let drones: Vec<DroneStats> = self.drones.iter().map(|it| self.drone(it)).collect();
        let bay = self
            .drones
            .iter()
            .map(|it| it.0.volume_l as f64 * f64::from(it.1));
        let whole = |value: f64, most: f64| value.ceil().clamp(0.0, most) as u8;
        let targets = ship.at(A::TargetsMax).min(ship.at(A::PilotTargets));
        let mut stats = ShipStats {
            hull: hull.id,
            hp: ship.all([A::ShieldHp, A::ArmourHp, A::HullHp]),
            resonance: [SHIELD, ARMOUR, HULL].map(|layer| ship.all(layer)),
            shield_recharge_s: ship.at(A::ShieldRechargeS),
            capacitor_gj: ship.at(A::CapacitorGj),
            capacitor_recharge_s: ship.at(A::CapacitorRechargeS),
            cpu_tf: used(&modules, ship.at(A::CpuTf), |it| it.cpu_tf),
            power_mw: used(&modules, ship.at(A::PowerMw), |it| it.power_mw),
            calibration: used(&modules, ship.at(A::Calibration), |it| it.calibration),
            mass_kg: ship.at(A::MassKg),
            mass_addition_kg: 0.0,
            inertia: ship.at(A::Inertia),
            max_speed_m_per_s: ship.at(A::MaxSpeed),
            law: law(
                ship.at(A::MassKg),
                ship.at(A::Inertia),
                ship.at(A::MaxSpeed),
            ),
            signature_m: ship.at(A::SignatureM),
            scan_resolution_mm: ship.at(A::ScanResolutionMm),
            targeting_range_m: ship.at(A::TargetingRangeM),
            targets_max: whole(targets, 100.0),
            sensors: ship.all(SENSORS),
            warp_speed_au_per_s: ship.at(A::WarpSpeed),
            warp_capacitor_need: ship.at(A::WarpCapacitorNeed),
            warp_core_strength: ship.at(A::WarpCoreStrength),
            // Attributes are at most 10⁹ m³, so the litres fit.
            cargo_l: (ship.at(A::CargoM3) * LITRES_PER_M3) as u64,
            drone_bay_m3: Share {
                used: bay.sum::<f64>() / LITRES_PER_M3,
                total: ship.at(A::DroneBayM3),
            },
            drone_bandwidth: ship.at(A::DroneBandwidth),
            drone_range_m: ship.at(A::DroneRangeM),
            drones_max: whole(ship.at(A::DronesMax), 50.0),
            heat_generation: ship.at(A::HeatGeneration),
            heat_attenuation: ship.all(HEAT),
            web_resistance: ship.at(A::WebResistance),
            sensor_resistance: ship.at(A::SensorResistance),
            weapon_resistance: ship.at(A::WeaponResistance),
            energy_resistance: ship.at(A::EnergyResistance),
            remote_repair_share: ship.at(A::RemoteRepairShare),
            modules,
            drones,
        };
        drive(&mut stats);
        stats
    }

    fn module(&self, at: usize) -> ModuleStats {
        use Attribute as A;
        let place = &self.placed[at];
        let node = &self.nodes[at + 1];
        let effect = node.effect(place.kind.effect);
        let charge = place.charge.map(|(kind, _, at)| (kind, &self.nodes[at]));
        let own_damage = match effect {
            Effect::SmartBomb { .. } => node.all(DAMAGE),
            _ => [0.0; 4],
        };
        let multiplier = node.at(A::DamageMultiplier);
        let damage = charge.map_or(own_damage, |(_, it)| {
            it.all(DAMAGE).map(|damage| damage * multiplier)
        });
        let of_charge = |attribute| charge.map_or(0.0, |(_, it)| it.at(attribute));
        let room_l = node.at(A::ChargeM3) * LITRES_PER_M3;
        ModuleStats {
            slot: place.fitted.slot,
            module: place.kind.id,
            group: node.group,
            state: place.fitted.state,
            charge: place.fitted.charge,
            // `as` saturates, and a volume is at least one litre.
            charge_max: charge.map_or(0, |(kind, _)| (room_l / kind.volume_l as f64 + 1e-9) as u32),
            effect,
            cpu_tf: settled(A::CpuNeedTf, node.at(A::CpuNeedTf)),
            power_mw: settled(A::PowerNeedMw, node.at(A::PowerNeedMw)),
            calibration: node.at(A::CalibrationNeed),
            cycle_s: node.at(A::CycleS),
            capacitor_gj: node.at(A::CapacitorNeedGj),
            optimal_m: node.at(A::OptimalM),
            falloff_m: node.at(A::FalloffM),
            reload_s: node.at(A::ReloadS),
            heat_damage: node.at(A::HeatDamage),
            heat_absorption: node.at(A::HeatAbsorption),
            damage,
            flight: charge.and_then(|(kind, it)| kind.flight.map(|_| flight(it))),
            charge_radius_m: of_charge(A::RadiusM),
            charge_life_s: of_charge(A::LifeS),
            scan_strength: of_charge(A::ScanStrength),
        }
    }

    fn drone(&self, &(kind, count, at): &(&DroneType, u16, usize)) -> DroneStats {
        use Attribute as A;
        let node = &self.nodes[at];
        let effect = node.effect(kind.effect);
        let multiplier = match effect {
            Effect::Turret {
                damage_multiplier, ..
            } => damage_multiplier,
            _ => 1.0,
        };
        DroneStats {
            drone: kind.id,
            count,
            effect,
            damage: node.all(DAMAGE).map(|damage| damage * multiplier),
            hp: node.all([A::ShieldHp, A::ArmourHp, A::HullHp]),
            bandwidth: node.at(A::DroneBandwidth),
            signature_m: node.at(A::SignatureM),
            max_speed_m_per_s: node.at(A::MaxSpeed),
            law: law(
                node.at(A::MassKg),
                node.at(A::Inertia),
                node.at(A::MaxSpeed),
            ),
            orbit_m: node.at(A::OrbitM),
            cycle_s: node.at(A::CycleS),
            optimal_m: node.at(A::OptimalM),
            falloff_m: node.at(A::FalloffM),
        }
    }
}

/// How the charge of a node flies.
fn flight(charge: &Node) -> Flight {
    use Attribute as A;
    Flight {
        speed_m_per_s: charge.at(A::MissileSpeed),
        flight_s: charge.at(A::FlightS),
        hp: charge.at(A::MissileHp),
        explosion_radius_m: charge.at(A::ExplosionRadiusM),
        explosion_velocity_m_per_s: charge.at(A::ExplosionVelocity),
        damage_reduction: charge.at(A::DamageReduction),
    }
}

/// What modules that are online need of something, and what there is; rigs are never offline.
fn used(modules: &[ModuleStats], total: f64, need: impl Fn(&ModuleStats) -> f64) -> Share {
    let counts = |it: &&ModuleStats| it.state != ModuleState::Offline || it.slot.rack == Rack::Rig;
    let sum: f64 = modules.iter().filter(counts).map(need).sum();
    Share {
        used: hundredths(sum),
        total,
    }
}

/// What burning drives do: m′ = m + addition, v′ = v · (1 + factor/100 · thrust/m′).
fn drive(stats: &mut ShipStats) {
    let burning: Vec<Effect> = stats
        .modules
        .iter()
        .filter(|it| it.is_active())
        .map(|it| it.effect)
        .collect();
    for effect in burning {
        let (factor, thrust_kg, addition_kg, signature_percent) = match effect {
            Effect::Afterburner {
                speed_factor_percent,
                thrust_kg,
                mass_addition_kg,
            } => (speed_factor_percent, thrust_kg, mass_addition_kg, 0.0),
            Effect::MicrowarpDrive {
                speed_factor_percent,
                thrust_kg,
                mass_addition_kg,
                signature_percent,
            } => (
                speed_factor_percent,
                thrust_kg,
                mass_addition_kg,
                signature_percent,
            ),
            _ => continue,
        };
        let mass_kg = stats.mass_kg + stats.mass_addition_kg;
        let speed = boosted_speed(
            stats.max_speed_m_per_s,
            mass_kg,
            addition_kg,
            thrust_kg,
            factor,
        );
        stats.max_speed_m_per_s = settled(Attribute::MaxSpeed, speed);
        stats.mass_addition_kg += addition_kg;
        let signature_m = bloomed(stats.signature_m, signature_percent);
        stats.signature_m = settled(Attribute::SignatureM, signature_m);
    }
    stats.settle_law();
}
