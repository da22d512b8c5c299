//! Stars, planets and belts: plausible rather than exact.
//!
//! Orbits widen from one planet to the next by a factor that is larger the fewer planets there
//! are; what a planet is like follows
//! from the temperature that its star gives it there, T = 255 K · (L / a²)^¼ with the luminosity
//! L = R²·T⁴ in solar units and the orbit a in astronomical units.

use super::names::roman;
use super::{Belt, OBJECTS_PER_SYSTEM, Planet, PlanetKind, Span, Star, StarClass};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, ObjectId, SystemId, Tick, math};

const PURPOSE_STAR: u32 = 0x7374_6172;
const PURPOSE_PLANET: u32 = 0x706c_616e;
const PURPOSE_BELT: u32 = 0x6265_6c74;
/// Metres of an astronomical unit.
const AU_M: f64 = 149_597_870_700.0;
/// Bounds of the innermost and of the outermost orbit, about, astronomical units.
const INNERMOST_AU_MAX: f64 = 20.0;
const OUTERMOST_AU_MAX: f64 = 500.0;
/// How much wider the next orbit is at most, about. At least it is (500/20)^(1/24) · 0.9 > 1.
const STEP_MAX: f64 = 1.8;
const SUN_RADIUS_KM: f64 = 695_700.0;
const SUN_TEMPERATURE_K: f64 = 5_772.0;

/// Places of kinds of objects in a system's block of ids.
pub(super) const STAR: u32 = 0;
const PLANETS: u32 = 1;
const BELTS: u32 = 64;
pub(super) const STATIONS: u32 = 128;
pub(super) const GATES: u32 = 192;

/// The id of a system's object. `first` is the place of its kind, `index` counts within it.
pub(super) const fn object(system: SystemId, first: u32, index: u32) -> ObjectId {
    ObjectId(system.0 * OBJECTS_PER_SYSTEM + first + index)
}

/// A class: how many of 1,000 stars are of it, temperatures and radii (of the sun's) from the
/// coolest to the hottest of the class.
struct Class {
    class: StarClass,
    per_mille: u32,
    temperature_k: [f64; 2],
    radius: [f64; 2],
}

const fn class(
    class: StarClass,
    per_mille: u32,
    temperature_k: [f64; 2],
    radius: [f64; 2],
) -> Class {
    Class {
        class,
        per_mille,
        temperature_k,
        radius,
    }
}

/// Shares are not nature's, where three stars of four are red: a galaxy should have colours.
const CLASSES: [Class; 7] = [
    class(StarClass::O, 10, [30_000.0, 45_000.0], [6.6, 12.0]),
    class(StarClass::B, 50, [10_000.0, 30_000.0], [1.8, 6.6]),
    class(StarClass::A, 90, [7_500.0, 10_000.0], [1.4, 1.8]),
    class(StarClass::F, 160, [6_000.0, 7_500.0], [1.15, 1.4]),
    class(StarClass::G, 220, [5_200.0, 6_000.0], [0.96, 1.15]),
    class(StarClass::K, 240, [3_700.0, 5_200.0], [0.7, 0.96]),
    class(StarClass::M, 230, [2_400.0, 3_700.0], [0.15, 0.7]),
];

pub(super) fn star(system: SystemId, seed: u64) -> Star {
    let mut rng = Rng::new(seed, Tick(0), EntityId(u64::from(system.0)), PURPOSE_STAR);
    let mut lot = rng.below(CLASSES.iter().map(|it| it.per_mille).sum());
    let mut chosen = &CLASSES[0];
    for class in &CLASSES {
        chosen = class;
        if lot < class.per_mille {
            break;
        }
        lot -= class.per_mille;
    }
    let heat = rng.unit_f64();
    let between = |[cool, hot]: [f64; 2]| cool + (hot - cool) * heat;
    // Cool stars that have left the main sequence are the giants that one sees.
    let giant = chosen.class >= StarClass::G && rng.below(14) == 0;
    let swollen = if giant {
        12.0 + 30.0 * rng.unit_f64()
    } else {
        1.0
    };
    Star {
        object: object(system, STAR, 0),
        class: chosen.class,
        subclass: 9 - (heat * 10.0) as u8,
        giant,
        temperature_k: between(chosen.temperature_k) as u32,
        radius_km: (between(chosen.radius) * swollen * SUN_RADIUS_KM) as u32,
    }
}

/// Luminosity in units of the sun's.
fn luminosity(star: &Star) -> f64 {
    let radius = f64::from(star.radius_km) / SUN_RADIUS_KM;
    let heat = f64::from(star.temperature_k) / SUN_TEMPERATURE_K;
    let heat2 = heat * heat;
    radius * radius * heat2 * heat2
}

fn count(rng: &mut Rng, span: Span) -> u32 {
    span.min + rng.below(span.max - span.min + 1)
}

/// A place on an orbit, slightly off the plane.
fn on_orbit(rng: &mut Rng, orbit_m: f64) -> [i64; 3] {
    let angle = rng.unit_f64() * 2.0 * core::f64::consts::PI;
    let height = (rng.unit_f64() - 0.5) * 0.04;
    let place = [
        orbit_m * math::cos(angle),
        orbit_m * math::sin(angle),
        orbit_m * height,
    ];
    place.map(|m| m as i64)
}

pub(super) fn planets(
    system: SystemId,
    name: &str,
    star: &Star,
    span: Span,
    seed: u64,
) -> Vec<Planet> {
    let mut rng = Rng::new(seed, Tick(0), EntityId(u64::from(system.0)), PURPOSE_PLANET);
    let count = count(&mut rng, span);
    let light = luminosity(star);
    // The innermost orbit: where rock just melts, but well outside of the star.
    let clear = f64::from(star.radius_km) * 1_000.0 * 4.0 / AU_M;
    let mut orbit_au = 0.12 * math::sqrt(light) * (0.6 + 1.2 * rng.unit_f64());
    orbit_au = orbit_au.clamp(clear, clear.max(INNERMOST_AU_MAX));
    let outermost_au = (orbit_au * (150.0 + 250.0 * rng.unit_f64())).min(OUTERMOST_AU_MAX);
    let step = math::pow(outermost_au / orbit_au, 1.0 / f64::from(count.max(1))).min(STEP_MAX);
    let mut planets = Vec::with_capacity(count as usize);
    for index in 0..count {
        let temperature_k = 255.0 * math::sqrt(math::sqrt(light / (orbit_au * orbit_au)));
        let kind = kind(&mut rng, temperature_k);
        let orbit_m = orbit_au * AU_M;
        planets.push(Planet {
            object: object(system, PLANETS, index),
            name: format!("{name} {}", roman(index + 1)),
            kind,
            position_m: on_orbit(&mut rng, orbit_m),
            orbit_m: orbit_m as i64,
            radius_km: radius_km(&mut rng, kind),
        });
        orbit_au *= step * (0.9 + 0.2 * rng.unit_f64());
    }
    planets
}

fn kind(rng: &mut Rng, temperature_k: f64) -> PlanetKind {
    let lot = rng.below(100);
    match (temperature_k, lot) {
        (t, 0..=64) if t > 700.0 => PlanetKind::Lava,
        (t, _) if t > 700.0 => PlanetKind::Barren,
        (t, 0..=44) if t > 330.0 => PlanetKind::Barren,
        (t, 45..=79) if t > 330.0 => PlanetKind::Storm,
        (t, 0..=39) if t > 230.0 => PlanetKind::Temperate,
        (t, 40..=64) if t > 230.0 => PlanetKind::Ocean,
        (t, 65..=79) if t > 230.0 => PlanetKind::Barren,
        (t, 0..=24) if t <= 230.0 => PlanetKind::Ice,
        (t, 25..=34) if t <= 230.0 => PlanetKind::Barren,
        _ => PlanetKind::Gas,
    }
}

fn radius_km(rng: &mut Rng, kind: PlanetKind) -> u32 {
    let [least, most] = match kind {
        PlanetKind::Lava | PlanetKind::Barren => [1_500, 7_000],
        PlanetKind::Storm | PlanetKind::Temperate | PlanetKind::Ocean => [4_000, 9_000],
        PlanetKind::Ice => [2_000, 14_000],
        PlanetKind::Gas => [22_000, 90_000],
    };
    least + rng.below(most - least + 1)
}

/// Belts share the orbits of planets; without planets they have orbits of their own.
pub(super) fn belts(
    system: SystemId,
    name: &str,
    planets: &[Planet],
    span: Span,
    seed: u64,
) -> Vec<Belt> {
    let mut rng = Rng::new(seed, Tick(0), EntityId(u64::from(system.0)), PURPOSE_BELT);
    let count = count(&mut rng, span);
    let mut hosts: Vec<Option<&Planet>> = (0..count)
        .map(|_| match planets.len() as u32 {
            0 => None,
            planets_count => planets.get(rng.below(planets_count) as usize),
        })
        .collect();
    hosts.sort_by_key(|host| host.map(|planet| planet.object));
    let mut number = 0;
    let mut last = None;
    let mut belts = Vec::with_capacity(count as usize);
    for (index, host) in hosts.into_iter().enumerate() {
        number = if index > 0 && last == Some(host.map(|planet| planet.object)) {
            number + 1
        } else {
            1
        };
        last = Some(host.map(|planet| planet.object));
        let orbit_m = match host {
            Some(planet) => planet.orbit_m as f64 * (0.98 + 0.04 * rng.unit_f64()),
            None => AU_M * (0.5 + 8.0 * rng.unit_f64()),
        };
        belts.push(Belt {
            object: object(system, BELTS, index as u32),
            name: format!(
                "{} belt {number}",
                host.map_or(name, |planet| planet.name.as_str())
            ),
            position_m: on_orbit(&mut rng, orbit_m),
            orbit_m: orbit_m as i64,
        });
    }
    belts
}
