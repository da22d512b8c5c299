//! How the ids of `base`, which know nothing of rkyv, stand in archives: as their number.

use orrery_base::{ObjectId, SystemId, TypeId};
use rkyv::rancor::Fallible;
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};
use rkyv::{Archive, Archived, Place};

/// An id as its number.
pub(crate) struct Number;

macro_rules! as_number {
    ($($id:ident($int:ty)),*) => {$(
        impl ArchiveWith<$id> for Number {
            type Archived = Archived<$int>;
            type Resolver = ();

            fn resolve_with(id: &$id, (): (), out: Place<Self::Archived>) {
                id.0.resolve((), out);
            }
        }

        impl<S: Fallible + ?Sized> SerializeWith<$id, S> for Number {
            fn serialize_with(_: &$id, _: &mut S) -> Result<(), S::Error> {
                Ok(())
            }
        }

        impl<D: Fallible + ?Sized> DeserializeWith<Archived<$int>, $id, D> for Number {
            fn deserialize_with(number: &Archived<$int>, _: &mut D) -> Result<$id, D::Error> {
                Ok($id(number.to_native()))
            }
        }
    )*};
}

as_number!(ObjectId(u32), SystemId(u32), TypeId(u32));
