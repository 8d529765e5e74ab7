from rdkit.Chem import AllChem, Draw

rxn = AllChem.ReactionFromSmarts(
    'CC(=O)O.OCc1ccccc1>>CC(=O)OCc1ccccc1.O', useSmiles=True)
picture = Draw.ReactionToImage(rxn, subImgSize=(220, 220))
picture.save('reaction.png')
