"""Molecules: SMILES put together from ring systems and substituents, and programs that draw them in several styles."""

from __future__ import annotations

import random

from data_recipes.engine.words import palette
from data_recipes.sources._generated import GeneratedSet

Lines = list[str]

_CORES = (
    *("c1ccc({a})cc1{b}", "c1cc({a})ncc1{b}", "C1CCC({a})CC1{b}", "c1ccc2c(c1)cc({a})cc2{b}", "C1CN({a})CCC1{b}"),
    *("c1nc({a})sc1{b}", "c1cc({a})oc1{b}", "c1ccc2[nH]c({a})cc2c1{b}", "O=C1C=CC(=O)C({a})=C1{b}", "C1COC({a})CN1{b}"),
)
_GROUPS = (
    *("C", "CC", "O", "OC", "N", "N(C)C", "F", "Cl", "Br", "C#N", "C(=O)O", "C(=O)N", "C(F)(F)F", "S(=O)(=O)N"),
    *("C(C)C", "CCO", "[C@H](C)O", "[C@@H](N)C", "c9ccccc9", "C=CC", "OCC", "NC(=O)C", "[N+](=O)[O-]", "CCCC"),
)


def write(rng: random.Random) -> str:
    """Return a program that draws one molecule."""
    return drawing_code(smiles(rng), rng)


def smiles(rng: random.Random) -> str:
    """Return the SMILES of a molecule with one ring system and up to two substituents."""
    core = rng.choice(_CORES)
    last = rng.choice(("", *_GROUPS))
    return core.format(a=rng.choice(_GROUPS), b=last)


def drawing_code(smiles: str, rng: random.Random, indigo: bool = False) -> str:
    """Return a program that draws a molecule, in one of several styles.

    Args:
        smiles: The molecule.
        rng: Decides about the style.
        indigo: Whether the program may draw with Indigo instead of RDKit.
    """
    styles = [_plain, _canvas, _colourless, _highlighted, _annotated, _grid]
    style = rng.choice([*styles, _indigo, _indigo] if indigo else styles)
    return "\n".join(style(smiles, rng))


def _size(rng: random.Random) -> tuple[int, int]:
    return rng.choice(((300, 300), (400, 300), (350, 250), (450, 350), (500, 400)))


def _plain(smiles: str, rng: random.Random) -> Lines:
    return [
        "from rdkit import Chem",
        "from rdkit.Chem import Draw",
        "",
        f"mol = Chem.MolFromSmiles({smiles!r})",
        f"image = Draw.MolToImage(mol, size={_size(rng)})",
        "image.save('molecule.png')",
    ]


def _with_options(smiles: str, rng: random.Random, *options: str, draw: str = "drawer.DrawMolecule(mol)") -> Lines:
    width, height = _size(rng)
    return [
        "from rdkit import Chem",
        "from rdkit.Chem.Draw import rdMolDraw2D",
        "",
        f"mol = Chem.MolFromSmiles({smiles!r})",
        f"drawer = rdMolDraw2D.MolDraw2DCairo({width}, {height})",
        "options = drawer.drawOptions()",
        *options,
        draw,
        "drawer.FinishDrawing()",
        "drawer.WriteDrawingText('molecule.png')",
    ]


def _canvas(smiles: str, rng: random.Random) -> Lines:
    return _with_options(
        smiles,
        rng,
        f"options.bondLineWidth = {rng.randint(1, 4)}",
        f"options.rotate = {rng.choice((0, 30, 45, 90))}",
        f"options.padding = {rng.choice((0.05, 0.1, 0.15))}",
    )


def _colourless(smiles: str, rng: random.Random) -> Lines:
    return _with_options(smiles, rng, "options.useBWAtomPalette()", f"options.bondLineWidth = {rng.randint(1, 3)}")


def _annotated(smiles: str, rng: random.Random) -> Lines:
    return _with_options(
        smiles,
        rng,
        "options.addStereoAnnotation = True",
        f"options.addAtomIndices = {rng.random() < 0.6}",
        f"options.explicitMethyl = {rng.random() < 0.5}",
    )


def _highlighted(smiles: str, rng: random.Random) -> Lines:
    red, green, blue = (round(rng.uniform(0.5, 1), 2) for _ in range(3))
    atoms = sorted(rng.sample(range(5), rng.randint(2, 4)))
    return _with_options(
        smiles,
        rng,
        f"options.setHighlightColour(({red}, {green}, {blue}))",
        draw=f"drawer.DrawMolecule(mol, highlightAtoms={atoms})",
    )


def _grid(first: str, rng: random.Random) -> Lines:
    others = [smiles(rng) for _ in range(rng.choice((1, 3)))]
    return [
        "from rdkit import Chem",
        "from rdkit.Chem import Draw",
        "",
        f"mols = [Chem.MolFromSmiles(text) for text in {[first, *others]}]",
        f"image = Draw.MolsToGridImage(mols, molsPerRow=2, subImgSize=({rng.choice((200, 240))}, 200))",
        "image.save('molecules.png')",
    ]


def _indigo(smiles: str, rng: random.Random) -> Lines:
    width, height = _size(rng)
    colour = palette(rng)[0]
    red, green, blue = (round(int(colour[place : place + 2], 16) / 255, 2) for place in (1, 3, 5))
    return [
        "from indigo import Indigo",
        "from indigo.renderer import IndigoRenderer",
        "",
        "indigo = Indigo()",
        "renderer = IndigoRenderer(indigo)",
        "indigo.setOption('render-output-format', 'png')",
        f"indigo.setOption('render-image-size', {width}, {height})",
        "indigo.setOption('render-background-color', 1.0, 1.0, 1.0)",
        f"indigo.setOption('render-base-color', {red}, {green}, {blue})",
        f"indigo.setOption('render-coloring', {rng.random() < 0.5})",
        f"molecule = indigo.loadMolecule({smiles!r})",
        "renderer.renderToFile(molecule, 'molecule.png')",
    ]


SOURCE = GeneratedSet("molecules", "chemistry", write)
