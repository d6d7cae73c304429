"""What tests share: data, slow oracles, discovery of public names."""
