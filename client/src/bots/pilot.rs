//! What a bot decides: a pure state machine over what it sees. No socket, no clock.

mod swap;

use orrery_base::command::{Command, DIRECTION_ONE, THROTTLE_FULL};
use orrery_base::money::Money;
use orrery_base::rng::Rng;
use orrery_base::value::query::ItemRow;
use orrery_base::value::{OrderRange, ValueCommand};
use orrery_base::{CharacterId, EntityId, Tick, math};
use orrery_game::columns::Kind;
use orrery_game::content::ItemType;
use orrery_proto::message::combat::{LockState, ModuleStatus};

use self::swap::Swap;

pub use self::swap::Window;

/// What a bot is up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behaviour {
    /// Stays where it is: docked, or at rest in space.
    Idle,
    /// Flies about: approaches, orbits, keeps its distance, steers by hand.
    Fly,
    /// The rounds of a hauler: undock, gate, jump, dock, deals on the market and with others who
    /// are there, and again.
    Trade,
    /// A fight: flies to the arena above the grid's middle, locks whoever is there, circles close
    /// and shoots until one of the two is lost; comes again in the ship that it is lent.
    Fight,
    /// Every bot another one of the above but idle.
    Mixed,
}

impl Behaviour {
    /// The names, for a command line.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("idle", Self::Idle),
        ("fly", Self::Fly),
        ("trade", Self::Trade),
        ("fight", Self::Fight),
        ("mixed", Self::Mixed),
    ];

    /// What the bot of a number does.
    #[must_use]
    pub const fn of_bot(self, number: u32) -> Self {
        match self {
            Self::Mixed => match number % 3 {
                0 => Self::Fly,
                1 => Self::Trade,
                _ => Self::Fight,
            },
            other => other,
        }
    }
}

/// Something that a bot sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// Which entity.
    pub entity: EntityId,
    /// What it is.
    pub kind: Kind,
    /// Where, centimetres from the grid's origin.
    pub position_cm: [i32; 3],
    /// Its radius, centimetres.
    pub radius_cm: i32,
}

/// What a bot knows when it decides.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Seconds since the bot began.
    pub now_s: f64,
    /// Whether it is in a station.
    pub docked: bool,
    /// Where its ship is, if it is in space.
    pub own_cm: Option<[i32; 3]>,
    /// What else it sees, by slot.
    pub others: &'a [Sighting],
    /// What it has in the hangar where it is docked, once it has looked.
    pub hangar: Option<&'a [ItemRow]>,
    /// What there is to buy.
    pub goods: &'a [ItemType],
    /// Others who trade and are docked in the same station.
    pub company: &'a [CharacterId],
    /// The trade window that it is in, or is invited to.
    pub window: Option<Window>,
    /// The targets of its ship.
    pub locks: &'a [LockState],
    /// The modules of its ship.
    pub modules: &'a [ModuleStatus],
    /// The grid's time, if it is known.
    pub tick: Option<Tick>,
}

/// What a bot does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Sends a command.
    Command(Command),
    /// Asks what is in the hangar.
    Look,
    /// Sends a command about items or money, so many times: one effect.
    Value(ValueCommand, u32),
    /// Steers by hand from now on: the input of every datagram until the next action.
    Steer {
        /// Fixed-point unit vector.
        direction: [i16; 3],
        /// 0..=[`THROTTLE_FULL`].
        throttle: u16,
    },
}

/// One bot's mind.
#[derive(Clone, Debug)]
pub struct Pilot {
    behaviour: Behaviour,
    rng: Rng,
    next_s: f64,
    /// The gate or station that the bot is on its way to.
    goal: Option<(EntityId, Kind)>,
    jumps_left: u32,
    /// Deals before it leaves the station, and whether it has looked into the hangar.
    deals_left: u32,
    has_looked: bool,
    swap: Swap,
}

/// Surface distance at which gates and stations are tried, centimetres. A little inside of what
/// the rules allow, since the ship moves on while the command is on its way.
const ACTIVATE_CM: i64 = 200_000;

/// Ships this far above the grid's middle are in the arena, where bots fight each other and meet
/// nobody who is on an errand, centimetres.
const ARENA_CM: i32 = 1_500_000;
/// How far a bot looks for somebody to fight, centimetres.
const FIGHT_CM: i64 = 2_000_000;
/// Slots below this number are those of weapons.
const HIGH_SLOTS: u8 = 8;

/// The dearest thing that a bot buys.
const BUYS_UP_TO: Money = Money(200_000);

/// Cents with no more than four digits before the zeros, which is what markets allow.
const fn rounded(cents: i64) -> i64 {
    let mut step = 1;
    while cents / step >= 10_000 {
        step *= 10;
    }
    let cents = cents / step * step;
    if cents > 0 { cents } else { 1 }
}

impl Pilot {
    /// The bot of a number; equal numbers and seeds decide alike.
    #[must_use]
    pub fn new(behaviour: Behaviour, seed: u64, number: u32) -> Self {
        let mut rng = Rng::new(seed, Tick(0), EntityId(u64::from(number) + 1), 0x626f_7473);
        let jumps_left = 1 + rng.below(3);
        Self {
            behaviour: behaviour.of_bot(number),
            rng,
            next_s: 0.0,
            goal: None,
            jumps_left,
            deals_left: 2,
            has_looked: false,
            swap: Swap::default(),
        }
    }

    /// Decides what to do now; mostly nothing.
    pub fn decide(&mut self, view: &View<'_>, actions: &mut Vec<Action>) {
        if view.now_s < self.next_s || self.behaviour == Behaviour::Idle {
            return;
        }
        if view.docked {
            self.goal = None;
            if self.behaviour == Behaviour::Trade && self.deals(view, actions) {
                return;
            }
            self.wait(view, 4.0, 4.0);
            (self.has_looked, self.deals_left) = (false, 1 + self.rng.below(3));
            self.swap = Swap::default();
            actions.push(Action::Command(Command::Undock));
            return;
        }
        let Some(own_cm) = view.own_cm else { return };
        match self.behaviour {
            Behaviour::Fly => self.fly(view, actions),
            Behaviour::Trade => self.trade(view, own_cm, actions),
            Behaviour::Fight => self.fight(view, own_cm, actions),
            Behaviour::Idle | Behaviour::Mixed => {}
        }
    }

    fn wait(&mut self, view: &View<'_>, least_s: f64, spread_s: f64) {
        self.next_s = view.now_s + least_s + spread_s * self.rng.unit_f64();
    }

    fn pick<'a>(
        &mut self,
        mut from: impl Iterator<Item = &'a Sighting> + Clone,
    ) -> Option<&'a Sighting> {
        let count = u32::try_from(from.clone().count())
            .ok()
            .filter(|&count| count > 0)?;
        from.nth(self.rng.below(count) as usize)
    }

    fn fly(&mut self, view: &View<'_>, actions: &mut Vec<Action>) {
        self.wait(view, 5.0, 10.0);
        let target = self
            .pick(view.others.iter())
            .map(|sighting| sighting.entity);
        let range_m = 1_000 + self.rng.below(9_000);
        let action = match (self.rng.below(6), target) {
            (0, Some(target)) => Action::Command(Command::Approach { target }),
            (1, Some(target)) => Action::Command(Command::Orbit { target, range_m }),
            (2, Some(target)) => Action::Command(Command::KeepAtRange { target, range_m }),
            (3, _) => Action::Command(Command::Afterburner {
                on: self.rng.below(2) == 0,
            }),
            _ => Action::Steer {
                direction: self.direction(),
                throttle: self.throttle(),
            },
        };
        actions.push(action);
    }

    fn trade(&mut self, view: &View<'_>, own_cm: [i32; 3], actions: &mut Vec<Action>) {
        self.wait(view, 1.0, 0.5);
        let goal = self
            .goal
            .and_then(|(goal, _)| view.others.iter().find(|other| other.entity == goal));
        let Some(goal) = goal else {
            // A new leg: a gate while there are jumps left, then a station.
            let wanted = if self.jumps_left > 0 {
                Kind::Gate
            } else {
                Kind::Station
            };
            let Some(next) = self.pick(view.others.iter().filter(|other| other.kind == wanted))
            else {
                return;
            };
            self.goal = Some((next.entity, next.kind));
            actions.push(Action::Command(Command::Afterburner { on: true }));
            actions.push(Action::Command(Command::Approach {
                target: next.entity,
            }));
            return;
        };
        if math::distance(own_cm, goal.position_cm) - i64::from(goal.radius_cm) > ACTIVATE_CM {
            return;
        }
        if goal.kind == Kind::Gate {
            self.jumps_left -= 1;
            actions.push(Action::Command(Command::Jump { gate: goal.entity }));
        } else {
            self.jumps_left = 1 + self.rng.below(3);
            actions.push(Action::Command(Command::Dock {
                station: goal.entity,
            }));
        }
        self.goal = None;
        self.wait(view, 3.0, 1.0);
    }

    /// Deals in the station: returns whether it is still at it.
    fn deals(&mut self, view: &View<'_>, actions: &mut Vec<Action>) -> bool {
        if !self.has_looked {
            self.has_looked = true;
            self.wait(view, 1.0, 1.0);
            actions.push(Action::Look);
            return true;
        }
        if let Some(window) = view.window {
            self.swaps(view, window, actions);
            return true;
        }
        self.forget_swap();
        let Some(hangar) = view.hangar.filter(|_| self.deals_left > 0) else {
            return false;
        };
        if self.invites(view, actions) {
            return true;
        }
        self.deals_left -= 1;
        self.wait(view, 0.5, 1.0);
        if let Some(command) = self.deal(hangar, view.goods) {
            // Some clients cannot be sure that they were heard, and ask again.
            actions.push(Action::Value(command, 1 + self.rng.below(5) / 4));
        }
        true
    }

    /// Sells something of its own, or buys something, near to what it is worth.
    fn deal(&mut self, hangar: &[ItemRow], goods: &[ItemType]) -> Option<ValueCommand> {
        let of = |type_id| {
            let place = goods.binary_search_by_key(&type_id, |item| item.id).ok()?;
            Some(&goods[place]).filter(|item| item.is_marketable)
        };
        let own = hangar
            .iter()
            .filter(|row| !row.is_assembled && of(row.type_id).is_some());
        let own: Vec<_> = own.collect();
        let percent = 90 + i64::from(self.rng.below(21));
        let price = |item: &ItemType| Money(rounded(item.base_price.0 * percent / 100));
        if !own.is_empty() && self.rng.below(2) == 0 {
            let row = own[self.rng.below(own.len() as u32) as usize];
            let most = row.quantity.min(5) as u32;
            return Some(ValueCommand::Sell {
                item: row.item,
                quantity: 1 + u64::from(self.rng.below(most)),
                price: price(of(row.type_id)?),
                days: 1,
            });
        }
        let cheap = goods
            .iter()
            .filter(|item| item.is_marketable && item.base_price <= BUYS_UP_TO);
        let cheap: Vec<_> = cheap.collect();
        let wanted = self
            .rng
            .below(u32::try_from(cheap.len()).ok().filter(|&n| n > 0)?);
        let wanted = cheap[wanted as usize];
        Some(ValueCommand::Buy {
            type_id: wanted.id,
            quantity: 1 + u64::from(self.rng.below(3)),
            minimum: 1,
            price: price(wanted),
            range: OrderRange::Region,
            days: 1,
        })
    }

    fn fight(&mut self, view: &View<'_>, own_cm: [i32; 3], actions: &mut Vec<Action>) {
        self.wait(view, 1.0, 1.0);
        let is_there = |lock: &&LockState| view.others.iter().any(|it| it.entity == lock.target);
        if let Some(lock) = view.locks.iter().find(is_there) {
            if view.tick.is_some_and(|tick| lock.done <= tick) {
                let target = Some(lock.target);
                let resting = view.modules.iter();
                let resting = resting.filter(|it| it.slot < HIGH_SLOTS && it.flags & 1 == 0);
                actions.extend(resting.map(|it| {
                    let slot = it.slot;
                    Action::Command(Command::Activate { slot, target })
                }));
            }
            return;
        }
        let near = |other: &&Sighting| {
            let in_arena = other.kind == Kind::Ship && other.position_cm[2] > ARENA_CM / 2;
            in_arena && math::distance(own_cm, other.position_cm) < FIGHT_CM
        };
        if own_cm[2] > ARENA_CM / 2
            && let Some(target) = self.pick(view.others.iter().filter(near))
        {
            let (target, range_m) = (target.entity, 500 + self.rng.below(2_500));
            actions.push(Action::Command(Command::Lock { target }));
            actions.push(Action::Command(Command::Orbit { target, range_m }));
            return;
        }
        self.wait(view, 4.0, 4.0);
        // Up to the arena, and about in it.
        let direction = if own_cm[2] < ARENA_CM {
            [0, 0, DIRECTION_ONE]
        } else {
            [0, 0, -DIRECTION_ONE]
        };
        actions.push(Action::Command(Command::Fly {
            direction,
            throttle: THROTTLE_FULL,
        }));
    }

    fn throttle(&mut self) -> u16 {
        // Below 1,001, so it fits.
        self.rng.below(u32::from(THROTTLE_FULL) + 1) as u16
    }

    /// A random unit vector: the first of random points of a cube that is in the unit ball.
    fn direction(&mut self) -> [i16; 3] {
        loop {
            let point = [(); 3].map(|()| self.rng.unit_f64() * 2.0 - 1.0);
            let square: f64 = point.iter().map(|axis| axis * axis).sum();
            if (0.01..=1.0).contains(&square) {
                let scale = f64::from(DIRECTION_ONE) / math::sqrt(square);
                return point.map(|axis| (axis * scale) as i16);
            }
        }
    }
}

#[cfg(test)]
mod tests;
