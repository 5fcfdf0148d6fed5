"""Finds who explains a drop, and how much of it is a change of mix; pure, over sums of scores.

A drop is split exactly: n (M0 - M1) = sum of n_g (b_g - m_g) + sum of n_g (M0 - b_g). Here n scores
have the mean M1 now and had M0 before; of these, n_g of group g have m_g and had b_g. The terms of
the first sum are the parts of groups. The second sum is the mix: groups that were always lower give
more of the scores than before, and nobody does worse.
"""
