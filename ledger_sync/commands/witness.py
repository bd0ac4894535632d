"""`orchestra ledger cosign` and `witness`: validators vouch that everybody is shown the same log."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

import click
from aiohttp import web

from ledger_sync.commands.keys import read_key, write_key
from ledger_sync.commands.signing import load_signer
from ledger_sync.commands.stores import key_option, now_ms, open_ledger_store, open_writer, store_option
from ledger_sync.governance.desk import Desk
from ledger_sync.log import LogPublisher
from ledger_sync.log.witnessing import LocalWitness, RemoteWitness, WitnessPort, collect, witness_app
from orchestra_tools.cli.arguments import read_text
from orchestra_tools.cli.options import json_option, split_pair
from orchestra_tools.cli.output import note, print_json, print_line
from orchestra_tools.cli.stopping import stopped_by_signal
from orchestra_tools.client import Settings
from orchestra_tools.errors import ConfigurationError, TrustError
from orchestra_tools.importers import parse_json
from orchestra_tools.trust.certificates import MAX_CERTIFICATE_LIFETIME_MS, certify_witness
from orchestra_tools.trust.cosignatures import CosignatureKey, CosignatureSigner
from orchestra_tools.trust.notes import VerifierKey
from orchestra_tools.trust.witnesses import Witness

WITNESS_KEY = "the witness's key"


@click.command()
@click.option("--witness", "urls", multiple=True, metavar="VKEY=URL", help="A witness behind a URL.")
@click.option("--publish", "folder", type=click.Path(file_okay=False, path_type=Path), help="Publish the log as well.")
@store_option
@json_option
def cosign(urls: tuple[str, ...], folder: Path | None, ledger: str | None, as_json: bool) -> None:
    """Ask witnesses to cosign the newest head. Readers refuse one that nobody vouched for lately.

    Exits with 5 where one of them did not sign.
    """
    witnesses: list[WitnessPort] = [_remote(each) for each in urls]
    if not witnesses:
        raise ConfigurationError("no witness is named", remedy="Give --witness VKEY=URL")
    with open_ledger_store(ledger) as store:
        done = collect(store, witnesses)
        if folder is not None:
            LogPublisher(store, folder).publish()
    if as_json:
        print_json({"cosigned": list(done.cosigned), "failed": done.failed})
    else:
        for name in done.cosigned:
            print_line(f"{name} has cosigned")
    if done.failed:
        name, reason = next(iter(done.failed.items()))
        raise TrustError(f"{name} did not cosign: {reason}", remedy="Ask its operator")


@click.command()
@click.option("--log", "logs", multiple=True, required=True, metavar="VKEY", help="Key of a log to witness.")
@click.option("--name", required=True, help="Name of this witness, as in validator.example/witness.")
@click.option("--key", "key_file", metavar="FILE", help="Its key, made where absent; default: in ORCHESTRA_HOME.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8089, show_default=True, help="0 = any free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def witness(logs: tuple[str, ...], name: str, key_file: str | None, port: int, host: str) -> None:
    """Be a witness: cosign heads of logs over HTTP (C2SP tlog-witness), until Ctrl-C.

    What was signed last is kept in ORCHESTRA_HOME. Never serve one key from two places.
    """
    home = Settings.from_environment().home
    signer = witness_key(Path(key_file) if key_file else home / "witness.key", name)
    keys = [VerifierKey.parse(each) for each in logs]
    known = {key.name: [each for each in keys if each.name == key.name] for key in keys}
    local = LocalWitness(Witness(known, [signer]), home / "witness.json", clock=time.time)
    note(f"witness {signer.key}")
    asyncio.run(_serve(witness_app(local), host, port))


@click.command()
@click.option("--name", required=True, help="Name of this witness, as in validator.example/witness.")
@click.option("--key", "key_file", metavar="FILE", help="Its key, made where absent; default: in ORCHESTRA_HOME.")
@click.option("--origin", required=True, metavar="NAME", help="The log whose readers shall know it.")
@click.option("--network", default="finney", show_default=True, help="The chain that the hotkey is registered on.")
def certify(name: str, key_file: str | None, origin: str, network: str) -> None:
    """Print a certificate: the hotkey of ORCHESTRA_WALLET says that a witness key is its own.

    The operator appends it with `orchestra ledger admit`.
    """
    home = Settings.from_environment().home
    now = now_ms()
    document = certify_witness(
        witness_key(Path(key_file) if key_file else home / "witness.key", name),
        signer=load_signer(),
        network=network,
        ledger=origin,
        nonce=secrets.token_hex(16),
        issued_at_ms=now,
        expires_at_ms=now + MAX_CERTIFICATE_LIFETIME_MS,
    )
    print_json(document)


@click.command()
@click.argument("file", metavar="FILE")
@store_option
@key_option
def admit(file: str, ledger: str | None, key_file: str | None) -> None:
    """Append a witness's certificate to the log; `orchestra ledger trust` names it from then on."""
    document = parse_json(read_text(file), source=file)
    with open_ledger_store(ledger) as store:
        certified = Desk(store, clock=now_ms).admit_witness(document, open_writer(store, key_file))
    print_line(f"{certified.key.name} is the witness of {certified.hotkey}")


async def _serve(app: web.Application, host: str, port: int) -> None:
    stopping = stopped_by_signal()
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            problem = f"{host}:{port} cannot be used: {error.strerror}"
            raise ConfigurationError(problem, remedy="Choose another --port or --host") from error
        address = runner.addresses[0]
        note(f"listens on http://{address[0]}:{address[1]}/add-checkpoint; Ctrl-C stops it")
        await stopping.wait()
    finally:
        await runner.cleanup()


def witness_key(path: Path, name: str) -> CosignatureSigner:
    """The key of a witness, made where it is absent.

    Raises:
        ConfigurationError: It cannot be read or made, or bears another name.
    """
    if not path.exists():
        signer = CosignatureSigner.generate(name)
        write_key(path, signer.skey, what=WITNESS_KEY)
        return signer
    signer = read_key(path, CosignatureSigner.parse, what=WITNESS_KEY, remedy="Choose another --key")
    if signer.key.name != name:
        raise ConfigurationError(f"the key {path} is {signer.key.name}'s", remedy="Give its --name, or another --key")
    return signer


def _remote(text: str) -> RemoteWitness:
    # A vkey has base64 in it, which may end with equals signs; a URL begins behind the last one before its scheme.
    vkey, scheme, rest = text.partition("=http")
    if not scheme:
        split_pair("", option="--witness")
    return RemoteWitness(f"http{rest}", [CosignatureKey.parse(vkey)])
