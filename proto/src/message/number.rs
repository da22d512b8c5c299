//! Numbers of the wire with a meaning and a sentence. None is ever changed or used again.

use orrery_base::command::RejectCode;

use super::field::{Codec, Varint};
use crate::bytes::{FieldError, FieldReader, put_varint};

macro_rules! numbered {
    (
        $(#[$enum_doc:meta])*
        $name:ident: $int:ty;
        $(#[$default_doc:meta])* $default:ident;
        $($(#[$doc:meta])* $variant:ident = $number:literal, $sentence:literal;)*
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[repr($int)]
        pub enum $name {
            $(#[$default_doc])*
            #[default]
            $default = 0,
            $($(#[$doc])* $variant = $number,)*
        }

        impl $name {
            /// Every value that this version knows, in order of number.
            pub const ALL: &'static [Self] = &[Self::$default, $(Self::$variant,)*];

            /// The value of a number; the default for one that this version does not know.
            #[must_use]
            pub const fn from_number(number: u64) -> Self {
                match number { $($number => Self::$variant,)* _ => Self::$default }
            }

            /// A short name for metrics and logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$default => stringify!($default),
                    $(Self::$variant => stringify!($variant),)*
                }
            }

            /// A sentence for the player.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* Self::$default => "" }
            }
        }

        impl Codec<$name> for Varint {
            fn put(value: &$name, out: &mut Vec<u8>) {
                put_varint(out, *value as u64);
            }
            fn take(fields: &mut FieldReader<'_>) -> Result<$name, FieldError> {
                fields.varint().map($name::from_number)
            }
        }
    };
}

numbered! {
    /// Why the server ends a connection. The numbers are the wire's (0x100 more as QUIC's
    /// application error code) and never change their meaning.
    RefusalCode: u16;
    /// A reason that this version does not know.
    Unspecified;
    /// The two sides speak different versions of the protocol.
    ProtocolMismatch = 1, "This client speaks another version of the protocol: update it.";
    /// The two sides have different content packs.
    ContentMismatch = 2, "This client has other game data than the server: update it.";
    /// The token is unknown, expired or revoked.
    LoginRefused = 3, "Your login was not accepted: log in again.";
    /// The account plays from another client, which goes on or takes over.
    AlreadyPlaying = 4, "This account is playing from another client.";
    /// The account has no character to play.
    NoCharacter = 5, "This account has no character: create one first.";
    /// No room for another client.
    ServerFull = 6, "The server is full: try again in a few minutes.";
    /// The server is going down.
    Draining = 7, "The server is going down.";
    /// A message that is not legal at this step of the handshake.
    OutOfOrder = 8, "The client sent a message out of order.";
    /// Bytes that are not a message.
    Malformed = 9, "The client sent something that is not a message.";
    /// A message above the size limit.
    Oversize = 10, "The client sent a message above the size limit.";
    /// Messages came faster than the limit for longer than is forgiven.
    TooManyMessages = 11, "The client sent too many messages.";
    /// The handshake or the connection took too long.
    TimedOut = 12, "The connection took too long.";
    /// The server failed; nothing of value is lost.
    InternalError = 13, "The server had a fault: connect again.";
    /// An operator ended the connection.
    Dismissed = 14, "An operator ended your connection.";
}

numbered! {
    /// Why an entity, or the client's own ship, left a grid.
    DepartureReason: u8;
    /// A reason that this version does not know.
    Unspecified;
    /// It docked at a station.
    Docked = 1, "Docked.";
    /// It jumped through a gate.
    Jumped = 2, "Jumped.";
    /// Its player logged off.
    LoggedOff = 3, "Logged off.";
    /// It was destroyed.
    Destroyed = 4, "Destroyed.";
}

numbered! {
    /// How much a notice matters.
    Severity: u8;
    /// Good to know.
    Information;
    /// The player should do something about it.
    Warning = 1, "Warning.";
    /// The player must know it now.
    Alert = 2, "Alert.";
}

/// Why a command was refused, as the wire says it: the number of a [`RejectCode`], or one that
/// this version does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reject(pub(super) u16);

impl Reject {
    /// The code, if this version knows it.
    #[must_use]
    pub const fn code(self) -> Option<RejectCode> {
        RejectCode::from_number(self.0)
    }

    /// The wire's number, never zero.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// A sentence for the player.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self.code() {
            Some(code) => code.sentence(),
            None => "The command was refused for a reason that this client is too old to know.",
        }
    }
}

impl From<RejectCode> for Reject {
    fn from(code: RejectCode) -> Self {
        Self(code as u16)
    }
}
