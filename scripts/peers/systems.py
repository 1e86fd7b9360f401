"""The systems by name, ours first."""

from scripts.peers.ctranslate2 import CTranslate2
from scripts.peers.joeynmt import JoeyNMT
from scripts.peers.marian import Marian
from scripts.peers.opennmt import OpenNMT
from scripts.peers.ours import Ours
from scripts.peers.system import System

SYSTEMS: dict[str, type[System]] = {
    system.name: system for system in (Ours, JoeyNMT, OpenNMT, Marian, CTranslate2)
}
