//! Starts that must fail, and say why: ports, folders, stores and packs that are not what the
//! server needs. Whatever they find is as it was before.

use orrery_game::content::{Content, FORMAT_VERSION, compile};
use orrery_storage::{Batch, Domain, meta};

use super::assert_well;
use crate::players::{Account, block_on, connect, refusal};
use crate::process::{Folder, content_folder, run};

#[test]
fn ports_and_stores_that_are_taken() {
    let folder = Folder::new(2, 1);
    let other = Folder::new(2, 1);
    let server = folder.serve().start();

    let error = other.serve().port(server.port()).refused();
    assert!(
        error.contains(&format!("{} is in use", server.port())),
        "{error}"
    );
    let error = other.serve().http(server.http()).refused();
    assert!(
        error.contains(&format!("{}: the address is in use", server.http())),
        "{error}"
    );
    let error = folder.serve().refused();
    assert!(error.contains("in use by another process"), "{error}");
    assert!(
        error.contains(folder.path()),
        "the folder is named: {error}"
    );
    // Looking is allowed; generating is not.
    run(&["galaxy", "show", "--data", folder.path()]).success();
    let generate = ["galaxy", "generate", "--replace", "--data", folder.path()];
    let said = run(&generate);
    assert!(
        said.refusal().contains("in use by another process"),
        "{}",
        said.err
    );

    block_on(assert_well(&folder, &server, "Newcomer"));
    server.stop();
    // Nothing is left over of the attempts.
    let server = other.serve().start();
    block_on(assert_well(&other, &server, "Newcomer"));
    server.stop();
}

#[test]
fn folders_that_cannot_be_used() {
    let folder = Folder::new(2, 1);
    let file = format!("{}/file", folder.path());
    std::fs::write(&file, "x").unwrap();
    let below = format!("{file}/data");
    let error = folder.serve().data(&below).refused();
    assert!(
        error.contains("create data folder") && error.contains(&below),
        "{error}"
    );
    let error = folder.serve().data(&file).refused();
    assert!(
        error.contains("data folder") && error.contains(&file),
        "{error}"
    );
    // A folder that nobody can write to, not even root.
    let error = folder.serve().data("/proc").refused();
    assert!(error.contains("write to data folder /proc"), "{error}");

    let empty = tempfile::tempdir().unwrap();
    let error = folder
        .serve()
        .data(empty.path().to_str().unwrap())
        .refused();
    assert!(error.contains("orrery content compile"), "{error}");
    std::fs::copy(folder.pack(), empty.path().join("content.pack")).unwrap();
    let error = folder
        .serve()
        .data(empty.path().to_str().unwrap())
        .refused();
    assert!(error.contains("there is no store"), "{error}");
    let error = folder.serve().set("edge.snapshot_bytes", "9000").refused();
    assert!(error.contains("edge.snapshot_bytes = 9000"), "{error}");
    let error = folder.serve().set("edge.snapshot_byte", "900").refused();
    assert!(error.contains("snapshot_byte"), "{error}");
}

#[test]
fn a_store_of_a_newer_schema() {
    let folder = Folder::new(2, 1);
    let set_schema = |schema: u32| {
        let mut batch = Batch::new();
        batch.put(Domain::Meta, meta::SCHEMA_KEY, schema.to_be_bytes());
        folder.store_to_write().write(&batch).unwrap();
    };
    set_schema(meta::SCHEMA + 1);
    let wanted = format!(
        "it has schema {}, this build supports up to {}",
        meta::SCHEMA + 1,
        meta::SCHEMA
    );
    let error = folder.serve().refused();
    assert!(
        error.contains("newer version") && error.contains(&wanted),
        "{error}"
    );
    for command in ["audit", "replay"] {
        let said = run(&[command, "--data", folder.path()]);
        assert!(said.refusal().contains("newer version"), "{}", said.err);
    }
}

#[test]
fn packs_of_another_version_or_content() {
    let folder = Folder::new(2, 1);
    let pack = std::fs::read(folder.pack()).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = pack.clone();
        change(&mut bytes);
        std::fs::write(folder.pack(), bytes).unwrap();
        folder.serve().refused()
    };
    let error = with(&|bytes| bytes[8] += 1);
    assert!(
        error.contains(&format!("format {}", FORMAT_VERSION + 1))
            && error.contains(&format!("reads format {FORMAT_VERSION}")),
        "{error}"
    );
    let error = with(&|bytes| *bytes.last_mut().unwrap() ^= 1);
    assert!(error.contains("damaged"), "{error}");
    let error = with(&|bytes| bytes.truncate(100));
    assert!(error.contains("100 bytes"), "{error}");
    let error = with(&|bytes| bytes[0] = b'X');
    assert!(error.contains("not a content pack"), "{error}");
    // A good pack, but not one that this galaxy was made with.
    let mut other = compile(content_folder().as_ref()).unwrap();
    for gate in &mut other.gates {
        gate.id.0 += 500;
    }
    other.write(&folder.pack()).unwrap();
    Content::open(&folder.pack()).unwrap();
    let error = folder.serve().refused();
    assert!(
        error.contains("galaxy") && error.contains("content"),
        "{error}"
    );

    // The right one is put back, and nothing was lost.
    std::fs::write(folder.pack(), &pack).unwrap();
    let server = folder.serve().start();
    let ada = Account::sign_up(&server, "Ada");
    block_on(assert_well(&folder, &server, "Newcomer"));
    server.stop();

    // Retuned content: the galaxy stays, and clients with the old pack are told to update.
    let mut retuned = compile(content_folder().as_ref()).unwrap();
    retuned.ships[0].max_speed_m_per_s += 1.0;
    retuned.write(&folder.pack()).unwrap();
    let server = folder.serve().start();
    block_on(async {
        let ada = Account::log_in(&server, &ada.name);
        let mut ticket = ada.ticket(&server);
        assert_eq!(ticket.content_hash, folder.content().hash());
        ticket.content_hash = u64::from_le_bytes(pack[24..32].try_into().unwrap());
        let code = refusal(connect(&ticket).await);
        assert_eq!(code, orrery_proto::message::RefusalCode::ContentMismatch);
        connect(&ada.ticket(&server)).await.unwrap().leave().await;
    });
    server.stop();
}
