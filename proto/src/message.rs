//! The reliable control stream: what it says and how it is cut into frames.
//!
//! A frame is `varint length | varint kind | fields`; the length counts kind and fields and is
//! at most [`MAX_MESSAGE_BYTES`]. Kinds and fields are only ever added (see [`crate::bytes`]):
//! a kind that this version does not know is surfaced as `Unknown(kind)` and otherwise ignored,
//! unknown fields at the end are skipped, and missing ones have their defaults.
//!
//! Each direction has its own kinds: [`ClientMessage`] goes up, [`ServerMessage`] comes down.
//! The two tables below are the definition; encoder and decoder are made from them, so that
//! they cannot disagree.

pub mod combat;
mod command;
mod field;
mod frame;
mod number;
mod value;

use orrery_base::money::Money;
use orrery_base::value::query::{ValueQuery, ValueView};
use orrery_base::value::{
    ItemId, OrderEnd, OrderId, TradeId, TradeState, TransferReason, ValueAnswer,
};
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, SystemId, Tick, TypeId};

use crate::bytes::{FieldError, FieldReader, put_varint};
use combat::{
    HITS_MAX, Hit, Killer, LOCKS_MAX, LockState, MODULES_MAX, ModuleStatus, PARTICIPANTS_MAX,
};
pub use command::WireCommand;
use field::{
    Bytes, Characters, Codec, Fixed, Id, MaybeBody, MaybeId, MaybeNumber, NameList, Nested, Rows,
    Signed, Text, Varint,
};
pub use frame::{FrameDecoder, FrameError};
pub use number::{DepartureReason, RefusalCode, Reject, Severity};

/// The largest frame: kind and fields, without the length before them.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// The longest name of a client program, bytes.
pub const MAX_CLIENT_NAME_BYTES: usize = 64;
/// The longest login token, bytes.
pub const MAX_TOKEN_BYTES: usize = 512;
/// The longest name of a character, bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// The longest sentence for a player, bytes.
pub const MAX_SENTENCE_BYTES: usize = 512;
/// The most characters that one question or answer about names has.
pub const MAX_NAMES: usize = 64;

macro_rules! messages {
    (
        $(#[$enum_doc:meta])*
        pub enum $name:ident {
            $(
                $(#[$doc:meta])*
                $kind:literal => $variant:ident {
                    $($(#[$field_doc:meta])* $field:ident: $ty:ty as $codec:ty,)*
                }
            )*
        }
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum $name {
            $($(#[$doc])* $variant { $($(#[$field_doc])* $field: $ty,)* },)*
            /// A kind that this version does not know: to be ignored.
            Unknown(u64),
        }

        impl $name {
            /// Number and name of every kind that this version knows.
            pub const KINDS: &'static [(u64, &'static str)] = &[$(($kind, stringify!($variant)),)*];

            /// The wire's number of the kind.
            #[must_use]
            pub const fn kind(&self) -> u64 {
                match self { $(Self::$variant { .. } => $kind,)* Self::Unknown(kind) => *kind }
            }

            /// The kind's name, for metrics and logs.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => stringify!($variant),)*
                    Self::Unknown(_) => "Unknown",
                }
            }

            /// Appends the message as one frame, with its length. Strings and lists beyond
            /// their limits are cut at them, so that every frame can be read.
            pub fn encode(&self, out: &mut Vec<u8>) {
                frame::put_frame(out, |out| {
                    put_varint(out, self.kind());
                    match self {
                        $(Self::$variant { $($field,)* } => {
                            $(<$codec as Codec<$ty>>::put($field, out);)*
                        })*
                        Self::Unknown(_) => {}
                    }
                });
            }

            /// The message as one frame in a new buffer.
            #[must_use]
            pub fn to_frame(&self) -> Vec<u8> {
                let mut out = Vec::new();
                self.encode(&mut out);
                out
            }

            /// Reads the message of a frame that [`FrameDecoder::poll`] yielded.
            ///
            /// # Errors
            /// [`FieldError`] if a field of a known kind is not what it should be.
            pub fn decode(frame: &[u8]) -> Result<Self, FieldError> {
                let mut fields = FieldReader::new(frame);
                match fields.varint()? {
                    $($kind => Ok(Self::$variant {
                        $($field: <$codec as Codec<$ty>>::take(&mut fields)?,)*
                    }),)*
                    kind => Ok(Self::Unknown(kind)),
                }
            }
        }
    };
}

messages! {
    /// What a client says.
    pub enum ClientMessage {
        /// The first message: which protocol and which content the client has.
        1 => Hello {
            /// [`crate::PROTOCOL_VERSION`] of the client.
            protocol: u16 as Varint,
            /// The hash of the client's content pack.
            content_hash: u64 as Fixed,
            /// Name and version of the program, at most [`MAX_CLIENT_NAME_BYTES`].
            client: String as Text<MAX_CLIENT_NAME_BYTES>,
        }
        /// The token that the login service gave.
        2 => Login {
            /// Opaque, at most [`MAX_TOKEN_BYTES`].
            token: Vec<u8> as Bytes<MAX_TOKEN_BYTES>,
        }
        /// The client is ready for snapshots and will send inputs.
        3 => SubscribeInputs {}
        /// Asks the ship for something, or asks for something to be done with value.
        4 => Command {
            /// Counts this connection's commands up from 1.
            sequence: u32 as Varint,
            /// Unique to this request, so that a repeated one is recognised: a
            /// [`orrery_base::value::RequestId`] where the command is about value.
            request: u128 as Fixed,
            /// What; `None` is a command that this version does not know.
            command: Option<WireCommand> as MaybeBody,
        }
        /// Asks for names.
        5 => WhoIs {
            /// Whose, at most [`MAX_NAMES`].
            characters: Vec<CharacterId> as Characters,
        }
        /// The client leaves.
        6 => Bye {}
        /// Asks what there is: money, items, orders, prices, trades.
        7 => Query {
            /// The client's own number for the question; the answers have it.
            sequence: u32 as Varint,
            /// What; `None` is a query that this version does not know.
            query: Option<ValueQuery> as MaybeBody,
        }
    }
}

messages! {
    /// What the server says.
    pub enum ServerMessage {
        /// Protocol and content agree.
        1 => Welcome {
            /// [`crate::PROTOCOL_VERSION`] of the server.
            protocol: u16 as Varint,
            /// The hash of the server's content pack.
            content_hash: u64 as Fixed,
            /// Beats per second of real time at full speed.
            beats_per_second: u16 as Varint,
            /// Beats from one snapshot to the next.
            snapshot_interval_beats: u8 as Varint,
            /// The newest beat.
            tick: Tick as Id,
        }
        /// The server ends the connection.
        2 => Refused {
            /// Why.
            code: RefusalCode as Varint,
            /// The same for the player, at most [`MAX_SENTENCE_BYTES`].
            sentence: String as Text<MAX_SENTENCE_BYTES>,
        }
        /// The token was accepted.
        3 => Authenticated {
            /// Whose token it is.
            account: AccountId as Id,
        }
        /// This connection's identity.
        4 => ClientIdAssigned {
            /// Never used before and never again.
            client: ClientId as Id,
        }
        /// The character is loaded.
        5 => PlayerLoaded {
            /// Which character.
            character: CharacterId as Id,
            /// Its name, at most [`MAX_NAME_BYTES`].
            name: String as Text<MAX_NAME_BYTES>,
            /// Where it is.
            system: SystemId as Id,
            /// The station it is docked at.
            docked: Option<EntityId> as MaybeId,
            /// Its ship.
            ship: EntityId as Id,
            /// The ship's type.
            ship_type: TypeId as Id,
        }
        /// Inputs are listened to from now on.
        6 => InputsSubscribed {}
        /// The client's ship is on a grid; snapshots of that grid follow.
        7 => EntitySpawned {
            /// Which grid.
            grid: GridId as Id,
            /// The grid's system.
            system: SystemId as Id,
            /// The client's own ship.
            entity: EntityId as Id,
            /// The first beat that the ship is there.
            tick: Tick as Id,
        }
        /// The client's ship left its grid.
        8 => GridLeft {
            /// Which grid.
            grid: GridId as Id,
            /// Why.
            reason: DepartureReason as Varint,
        }
        /// The client's ship is docked.
        9 => Docked {
            /// Where.
            station: EntityId as Id,
            /// Since when.
            tick: Tick as Id,
        }
        /// What became of a command.
        10 => CommandResult {
            /// The command's sequence number.
            sequence: u32 as Varint,
            /// The command's request id.
            request: u128 as Fixed,
            /// The beat that took the command.
            tick: Tick as Id,
            /// Why it was refused; `None` if it was accepted.
            reject: Option<Reject> as MaybeId,
            /// What an accepted command about value has brought.
            answer: ValueAnswer as Nested,
        }
        /// An entity left the client's grid.
        11 => Departed {
            /// Which entity.
            entity: EntityId as Id,
            /// Why.
            reason: DepartureReason as Varint,
        }
        /// The answer to [`ClientMessage::WhoIs`]; unknown characters are left out.
        12 => Names {
            /// At most [`MAX_NAMES`] pairs.
            names: Vec<(CharacterId, String)> as NameList,
        }
        /// Simulated time runs at another speed.
        13 => Dilation {
            /// Simulated time per real time, thousandths: 100..=1000.
            per_mille: u16 as Varint,
            /// From which beat on.
            from_tick: Tick as Id,
        }
        /// A sentence for the player.
        14 => Notice {
            /// How much it matters.
            severity: Severity as Varint,
            /// At most [`MAX_SENTENCE_BYTES`].
            text: String as Text<MAX_SENTENCE_BYTES>,
        }
        /// The server goes down.
        15 => Draining {
            /// In how many seconds.
            seconds: u32 as Varint,
        }
        /// An answer to [`ClientMessage::Query`], or a part of it.
        16 => QueryAnswer {
            /// The query's number.
            sequence: u32 as Varint,
            /// No further part follows.
            last: bool as Varint,
            /// What there is; `None`: nothing, or a view that this version does not know.
            view: Option<ValueView> as MaybeBody,
            /// Why there is no answer; `None` if there is one.
            reject: Option<Reject> as MaybeId,
        }
        /// Money came to the own wallet or left it.
        17 => WalletChanged {
            /// What is there now.
            balance: Money as Signed,
            /// What came (positive) or went (negative).
            amount: Money as Signed,
            /// Why; `None`: for a reason that this version does not know.
            reason: Option<TransferReason> as MaybeNumber,
        }
        /// An own order that rests was filled, or a part of it was.
        18 => OrderFilled {
            /// Which.
            order: OrderId as Id,
            /// Units that changed hands.
            quantity: u64 as Varint,
            /// Of a unit.
            price: Money as Signed,
            /// Units that the order still wants or offers.
            left: u64 as Varint,
        }
        /// An own order is no more.
        19 => OrderEnded {
            /// Which.
            order: OrderId as Id,
            /// Why; `None`: for a reason that this version does not know.
            why: Option<OrderEnd> as MaybeNumber,
        }
        /// Items have come to an own hangar.
        20 => ItemsDelivered {
            /// Where.
            station: EntityId as Id,
            /// What.
            type_id: TypeId as Id,
            /// How many.
            quantity: u64 as Varint,
            /// The stack that they are now.
            item: ItemId as Id,
        }
        /// An own trade window was opened, changed, accepted by the other side, or ended.
        21 => TradeChanged {
            /// Which.
            trade: TradeId as Id,
            /// With whom.
            with: CharacterId as Id,
            /// It grows with every change.
            version: u32 as Varint,
            /// How it stands; `None`: in a way that this version does not know.
            state: Option<TradeState> as MaybeNumber,
        }
        /// What the own ship can do and is doing: sent when any of it changed.
        22 => ShipStatus {
            /// The beat that it is true in.
            tick: Tick as Id,
            /// When the capacitor held `capacitor`; later values follow from the formula of
            /// recharge.
            capacitor_tick: Tick as Id,
            /// What it held, thousandths of a GJ.
            capacitor: u64 as Varint,
            /// What it holds at most, thousandths of a GJ.
            capacitor_most: u64 as Varint,
            /// Its time constant τ, ms; zero: it does not recharge.
            capacitor_tau_ms: u32 as Varint,
            /// The largest speed at present, 2⁻¹⁴ cm per beat.
            max_speed: u32 as Varint,
            /// How strongly the warp core is held, thousandths of a point.
            disruption: u32 as Varint,
            /// The sensors are jammed.
            is_jammed: bool as Varint,
            /// Targets, at most [`LOCKS_MAX`].
            locks: Vec<LockState> as Rows<LOCKS_MAX>,
            /// Modules by slot, at most [`MODULES_MAX`].
            modules: Vec<ModuleStatus> as Rows<MODULES_MAX>,
        }
        /// Volleys that the own ship dealt or took in a beat.
        23 => Damage {
            /// The beat.
            tick: Tick as Id,
            /// At most [`HITS_MAX`].
            hits: Vec<Hit> as Rows<HITS_MAX>,
        }
        /// A ship that the own pilot lost, or helped to destroy.
        24 => KillReport {
            /// Its number: grid and beat of the death, and a count, the same for everybody.
            report: u128 as Fixed,
            /// The beat, in the time of the grid.
            tick: Tick as Id,
            /// Where.
            system: SystemId as Id,
            /// Who lost it.
            victim: CharacterId as Id,
            /// What was lost.
            hull: TypeId as Id,
            /// Whose blow was the last.
            final_blow: CharacterId as Id,
            /// Who took part, at most [`PARTICIPANTS_MAX`].
            killers: Vec<Killer> as Rows<PARTICIPANTS_MAX>,
        }
    }
}

impl ServerMessage {
    /// The refusal with its own sentence.
    #[must_use]
    pub fn refused(code: RefusalCode) -> Self {
        Self::Refused {
            code,
            sentence: code.sentence().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
