//! The vocabulary of commands and refusals that the rules and the wire share. Their bytes are
//! the wire's business; what they do is the game's.

use crate::EntityId;

/// One full turn of the throttle.
pub const THROTTLE_FULL: u16 = 1_000;
/// Length of a unit direction in its fixed-point form: 2¹⁴.
pub const DIRECTION_ONE: i16 = 1 << 14;

/// What a pilot may ask of the ship. A command never says where the ship is: the server
/// integrates, the client only asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Direct flight: thrust along `direction` (a unit vector, [`DIRECTION_ONE`] long, within
    /// 1 %) with `throttle` of [`THROTTLE_FULL`].
    Fly {
        /// Where to, as a fixed-point unit vector.
        direction: [i16; 3],
        /// How hard, 0..=[`THROTTLE_FULL`].
        throttle: u16,
    },
    /// Fly to an entity until the hulls almost touch.
    Approach {
        /// Which entity.
        target: EntityId,
    },
    /// Fly to an entity and hold this distance.
    KeepAtRange {
        /// Which entity.
        target: EntityId,
        /// Surface to surface, metres.
        range_m: u32,
    },
    /// Circle an entity at this distance.
    Orbit {
        /// Which entity.
        target: EntityId,
        /// Surface to surface, metres.
        range_m: u32,
    },
    /// Turn towards an entity and fly on in that direction.
    Align {
        /// Which entity.
        target: EntityId,
    },
    /// Come to rest.
    Stop,
    /// Switch the afterburner.
    Afterburner {
        /// On or off.
        on: bool,
    },
    /// Jump through a gate that is in range.
    Jump {
        /// Which gate.
        gate: EntityId,
    },
    /// Dock at a station that is in range.
    Dock {
        /// Which station.
        station: EntityId,
    },
    /// Leave the station.
    Undock,
    /// Begin to lock a ship.
    Lock {
        /// Which.
        target: EntityId,
    },
    /// Let go of a locked ship.
    Unlock {
        /// Which.
        target: EntityId,
    },
    /// Switch a module on.
    Activate {
        /// Where it is: rack (0 high, 1 mid, 2 low, 3 rig) times eight, and the index in it.
        slot: u8,
        /// The locked ship that it is aimed at, if it is aimed at one.
        target: Option<EntityId>,
    },
    /// Switch a module off: it rests when its cycle is over.
    Deactivate {
        /// Where it is, as in `Activate`.
        slot: u8,
    },
}

macro_rules! rejects {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// Why a command was refused: the player's mistake, with the state left unchanged.
        /// The numbers are the wire's and never change their meaning.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum RejectCode { $($(#[$doc])* $name = $code,)* }

        impl RejectCode {
            /// Every code, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// A sentence for the player.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }

            /// A short name for metrics and logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The code of a number, if this version knows it.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

rejects! {
    /// The direction is not a unit vector.
    DirectionInvalid = 1, "That direction is not a unit vector.";
    /// The throttle is above full.
    ThrottleInvalid = 2, "The throttle goes from zero to full.";
    /// The range is outside of what the order allows.
    RangeInvalid = 3, "That range is outside of what the navigation computer can hold.";
    /// The target is not on this grid.
    TargetUnknown = 4, "That target is not in space near you.";
    /// The target is the pilot's own ship.
    TargetIsSelf = 5, "You cannot target your own ship.";
    /// The target is not a gate.
    NotAGate = 6, "That is not a gate.";
    /// The target is not a station.
    NotAStation = 7, "That is not a station.";
    /// Too far from the gate.
    GateOutOfRange = 8, "The gate is out of range: come within 2,500 metres.";
    /// Too far from the station.
    StationOutOfRange = 9, "The station is out of docking range.";
    /// The ship is docked.
    Docked = 10, "You are docked: undock first.";
    /// The ship is not docked.
    NotDocked = 11, "You are not docked.";
    /// The ship has no afterburner.
    NoAfterburner = 12, "This ship has no afterburner.";
    /// The command names a ship of somebody else.
    NotYourShip = 13, "That ship is not yours to command.";
    /// No such character on this grid.
    NotPresent = 14, "Your ship is not on this grid.";
    /// Commands come faster than the limit.
    TooManyCommands = 15, "Too many commands: slow down.";
    /// The command's sequence number was used already.
    SequenceReused = 16, "That command was received before.";
    /// The gate leads nowhere that this server simulates.
    GateClosed = 17, "The gate is closed.";
    /// The ship is already on its way.
    InTransit = 18, "Your ship is in transit.";
    /// The server is draining.
    Draining = 19, "The server is going down: the command was not carried out.";
    /// The server does not know this kind of command.
    UnknownCommand = 20, "The server does not know that command: it is older than your client.";
    /// The command has no request id.
    RequestMissing = 21, "That command has no request id.";
    /// The target is a station, a gate or a wreck.
    NotLockable = 30, "That cannot be locked.";
    /// The target is beyond the range of the sensors or of the module.
    TargetOutOfRange = 31, "The target is out of range.";
    /// As many targets are locked as the ship can hold.
    TooManyTargets = 32, "Your ship cannot lock more targets.";
    /// The target is not locked, or the lock does not hold yet.
    TargetNotLocked = 33, "Lock the target first.";
    /// There is no module in that slot.
    NoModule = 34, "There is no module in that slot.";
    /// The module works without being switched.
    ModulePassive = 35, "That module works by itself.";
    /// The module is at work already.
    ModuleBusy = 36, "That module is at work already.";
    /// The module is not at work.
    ModuleResting = 37, "That module is not at work.";
    /// There is nothing yet that the module could do in space.
    ModuleUnusable = 38, "That module cannot be used yet.";
    /// The capacitor holds less than the module needs.
    CapacitorEmpty = 39, "The capacitor does not hold enough for that.";
    /// The module is not loaded.
    NotLoaded = 40, "That module is not loaded.";
    /// The ship is jammed.
    Jammed = 41, "Your sensors are jammed.";
    /// The ship's drive is scrambled.
    Scrambled = 42, "Your microwarp drive is scrambled.";
    /// As many modules of the group are at work as may be.
    GroupActive = 43, "No more modules of that kind can be at work.";
    /// The ship used a weapon a moment ago.
    WeaponsHot = 44, "You have attacked somebody: wait until your weapons are cold.";
    /// The ship is lost.
    ShipLost = 45, "Your ship is lost.";
    /// The request is older than the server remembers, or its id is not of version 7.
    RequestExpired = 100, "This request is too old to be judged: look at what you have, then ask anew.";
    /// The client's clock is ahead.
    RequestFromFuture = 101, "This request's time is ahead of the server's: set your clock.";
    /// Too much is on its way.
    Busy = 102, "The station's clerks are busy: try again in a moment.";
    /// The store takes no changes.
    ReadOnly = 103, "The server cannot store changes now: nothing was done.";
    /// There is no such item, or it is somebody else's, or it is elsewhere.
    ItemUnknown = 104, "You have no such item here.";
    /// The quantity is zero or too large.
    QuantityInvalid = 105, "That is not a possible quantity.";
    /// There are fewer than that.
    NotEnoughItems = 106, "There are not that many of them.";
    /// The wallet has less than that.
    NotEnoughMoney = 107, "Your wallet does not hold that much.";
    /// The cargo hold is full.
    CargoFull = 108, "The cargo hold has no room for that.";
    /// The items cannot be one stack.
    NotStackable = 109, "These do not stack.";
    /// The item is not a packed ship.
    NotAssemblable = 110, "That is not a packed ship.";
    /// The item is not an assembled ship.
    NotAssembled = 111, "That is not an assembled ship.";
    /// The ship has something in its hold.
    ShipNotEmpty = 112, "The ship's hold is not empty.";
    /// The character sits in the ship.
    ShipInUse = 113, "You are sitting in that ship.";
    /// The price is not positive, too high or has too many digits.
    PriceInvalid = 114, "That is not a possible price.";
    /// There is no such duration.
    DurationInvalid = 115, "An order rests for 0, 1, 3, 7, 14, 30 or 90 days.";
    /// The minimum is zero or more than the quantity.
    MinimumInvalid = 116, "The minimum is at least one and at most the quantity.";
    /// There is no such order of this character.
    OrderUnknown = 117, "You have no such order.";
    /// The character has as many orders as it may have.
    TooManyOrders = 118, "You have as many orders as you may have.";
    /// The order was changed a moment ago.
    OrderCooldown = 119, "This order was changed a moment ago: wait before you change it again.";
    /// There is no such character.
    CharacterUnknown = 120, "There is no such character.";
    /// Paying or trading with oneself.
    PartnerIsSelf = 121, "You cannot do that with yourself.";
    /// There is no such type, or it cannot be owned.
    TypeUnknown = 122, "There is no such thing to buy.";
    /// Assembled or damaged things are not for the market.
    NotMarketable = 123, "Only packed things can be sold on the market.";
    /// A sum does not fit.
    AmountTooLarge = 124, "That is more than can be counted.";
    /// There is no such trade of this character.
    TradeUnknown = 125, "That trade window is closed.";
    /// The other side changed something.
    TradeChanged = 126, "The trade has changed: look at it again before you accept.";
    /// The other character is elsewhere.
    PartnerElsewhere = 127, "That character is not docked here.";
    /// The text is too long or has control characters.
    TextInvalid = 128, "That text is too long or has characters that cannot be shown.";
    /// The service knows no such command.
    NotAvailable = 129, "That cannot be done here.";
    /// The region has no such range.
    OrderRangeInvalid = 130, "There is no such order range.";
    /// One of both has as many trade windows as a character may have.
    TooManyTrades = 140, "One of you has as many trade windows as one may have.";
    /// There is a trade window with this character already.
    TradeExists = 141, "You have a trade window with that character already.";
    /// The other side has not agreed to trade yet.
    TradeNotOpen = 142, "That trade has not been agreed to yet.";
    /// This side of the trade has as many stacks as it may have.
    TooManyItems = 143, "Your side of the trade has as many stacks as it may have.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_numbers() {
        for &code in RejectCode::ALL {
            assert_eq!(RejectCode::from_number(code as u16), Some(code));
            assert!(code.sentence().ends_with('.'));
        }
        assert_eq!(RejectCode::from_number(0), None);
        assert!(RejectCode::ALL.windows(2).all(|w| w[0] < w[1]));
    }
}
