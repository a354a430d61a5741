"""What a methods section cites, in BibTeX."""

from .._version import __version__

BIBTEX = {
    "Gramfort2013": """@article{Gramfort2013,
  author = {Gramfort, Alexandre and Luessi, Martin and Larson, Eric and Engemann, Denis A. and Strohmeier,
    Daniel and Brodbeck, Christian and Goj, Roman and Jas, Mainak and Brooks, Teon and Parkkonen, Lauri and
    H{\\"a}m{\\"a}l{\\"a}inen, Matti S.},
  title = {{MEG} and {EEG} data analysis with {MNE-Python}},
  journal = {Frontiers in Neuroscience},
  volume = {7},
  number = {267},
  year = {2013},
  doi = {10.3389/fnins.2013.00267}
}""",
    "Pedregosa2011": """@article{Pedregosa2011,
  author = {Pedregosa, Fabian and Varoquaux, Ga{\\"e}l and Gramfort, Alexandre and Michel, Vincent and
    Thirion, Bertrand and Grisel, Olivier and Blondel, Mathieu and Prettenhofer, Peter and Weiss, Ron and
    Dubourg, Vincent and Vanderplas, Jake and Passos, Alexandre and Cournapeau, David and Brucher, Matthieu
    and Perrot, Matthieu and Duchesnay, {\\'E}douard},
  title = {Scikit-learn: machine learning in {Python}},
  journal = {Journal of Machine Learning Research},
  volume = {12},
  pages = {2825--2830},
  year = {2011}
}""",
    "braindecode": """@software{braindecode,
  author = {Aristimunha, Bruno and Guetschel, Pierre and Wimpff, Martin and Gemein, Lukas and Rommel, Cedric
    and Banville, Hubert and Sliwowski, Maciej and Wilson, Daniel and Brandt, Simon and Gnassounou, Th{\\'e}o
    and Paillard, Joseph and {Junqueira Lopes}, Bruna and Sedlar, Sara and Moreau, Thomas and Chevallier,
    Sylvain and Gramfort, Alexandre and Schirrmeister, Robin Tibor},
  title = {Braindecode: toolbox for decoding raw electrophysiological brain data with deep learning models},
  url = {https://github.com/braindecode/braindecode},
  doi = {10.5281/zenodo.17699192},
  publisher = {Zenodo}
}""",
    "skorch": """@manual{skorch,
  author = {Tietz, Marian and Fan, Thomas J. and Nouri, Daniel and Bossan, Benjamin and
    {skorch Developers}},
  title = {skorch: a scikit-learn compatible neural network library that wraps {PyTorch}},
  year = {2017},
  url = {https://skorch.readthedocs.io/en/stable/}
}""",
    "Paszke2019": """@inproceedings{Paszke2019,
  author = {Paszke, Adam and Gross, Sam and Massa, Francisco and Lerer, Adam and Bradbury, James and Chanan,
    Gregory and Killeen, Trevor and Lin, Zeming and Gimelshein, Natalia and Antiga, Luca and Desmaison, Alban
    and K{\\"o}pf, Andreas and Yang, Edward and DeVito, Zachary and Raison, Martin and Tejani, Alykhan and
    Chilamkurthy, Sasank and Steiner, Benoit and Fang, Lu and Bai, Junjie and Chintala, Soumith},
  title = {{PyTorch}: an imperative style, high-performance deep learning library},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019}
}""",
    "Efron1993": """@book{Efron1993,
  author = {Efron, Bradley and Tibshirani, Robert J.},
  title = {An introduction to the bootstrap},
  publisher = {Chapman \\& Hall},
  year = {1993},
  doi = {10.1007/978-1-4899-4541-9}
}""",
    "Ojala2010": """@article{Ojala2010,
  author = {Ojala, Markus and Garriga, Gemma C.},
  title = {Permutation tests for studying classifier performance},
  journal = {Journal of Machine Learning Research},
  volume = {11},
  pages = {1833--1863},
  year = {2010}
}""",
    "Lakshminarayanan2017": """@inproceedings{Lakshminarayanan2017,
  author = {Lakshminarayanan, Balaji and Pritzel, Alexander and Blundell, Charles},
  title = {Simple and scalable predictive uncertainty estimation using deep ensembles},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017}
}""",
    "mnecnnclass": f"""@software{{mnecnnclass,
  author = {{{{The mne-cnnclass developers}}}},
  title = {{mne-cnnclass: convolutional networks for {{MNE-Python}} epochs as scikit-learn estimators}},
  version = {{{__version__}}},
  year = {{2026}}
}}""",
}
