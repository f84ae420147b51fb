"""Language modelling: tokenizer, model, sampling, pretraining and supervised fine-tuning."""
