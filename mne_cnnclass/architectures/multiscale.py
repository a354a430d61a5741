import torch
from torch import nn


class MultiScaleCNN(nn.Module):
    def __init__(self, n_chans, n_outputs, n_times, sfreq=None, drop_prob=0.25):
        super().__init__()
        self.mix = nn.Conv1d(n_chans, 8, 1)
        self.convs = nn.ModuleList([nn.Conv1d(8, 8, k, padding="same") for k in (3, 9, 27)])
        self.bn = nn.BatchNorm1d(24)
        self.pool = nn.AdaptiveAvgPool1d(8)
        self.drop = nn.Dropout(drop_prob)
        self.lin = nn.Sequential(nn.Linear(24 * 8, 32), nn.ReLU(), nn.Linear(32, n_outputs))

    def forward(self, x):
        x = self.mix(x)
        x = torch.relu(self.bn(torch.cat([c(x) for c in self.convs], 1)))
        return self.lin(self.drop(self.pool(x).flatten(1)))
